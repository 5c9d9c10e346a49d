import type { Command } from "commander";
import { begin, type Context, command, textOption } from "./command.js";
import { duration } from "./progress.js";
import { configOf, withSettings } from "./settings-options.js";

export function pretrainCommand(context: Context): Command {
  const made = command(context, async (args, options, output) => {
    const config = configOf(options);
    const { pretrain } = await begin(context, import("../tasks/pretrain/pretrain.js"));
    const summary = await pretrain({
      photos: args[0],
      out: textOption(options, "out") ?? "runs/pretrain",
      config,
      resume: textOption(options, "resume") ?? options.resume === true,
      signal: context.signal,
      report: output.line,
    });
    output.result(summary, [
      `done: ${summary.stepsHere} steps in ${duration(summary.seconds)}`,
      `weights: ${summary.weights}`,
      `next: salmask probe ${summary.run} LABELLED-PHOTOS`,
    ]);
  })
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .option("--out <folder>", "the run's folder", "runs/pretrain")
    .option("--resume [checkpoint]", "go on from the newest checkpoint, or from the one given");
  return withSettings(made);
}
