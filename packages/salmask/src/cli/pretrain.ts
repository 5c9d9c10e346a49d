import type { Command } from "commander";
import { pretrain } from "../tasks/pretrain/pretrain.js";
import { type Context, command, configOf, textOption, withSettings } from "./command.js";
import { duration } from "./progress.js";

export function pretrainCommand(context: Context): Command {
  const made = command(
    context,
    "pretrain",
    "Train an encoder on unlabelled photos.",
    async (args, options, output) => {
      const summary = await pretrain({
        photos: args[0],
        out: textOption(options, "out") ?? "runs/pretrain",
        config: configOf(options),
        resume: textOption(options, "resume") ?? options.resume === true,
        signal: context.signal,
        report: output.line,
      });
      output.result(summary, [
        `done: ${summary.stepsHere} steps in ${duration(summary.seconds)}`,
        `weights: ${summary.weights}`,
        `next: salmask probe ${summary.run} LABELLED-PHOTOS`,
      ]);
    },
  )
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .option("--out <folder>", "the run's folder", "runs/pretrain")
    .option("--resume [checkpoint]", "go on from the newest checkpoint, or from the one given");
  return withSettings(made);
}
