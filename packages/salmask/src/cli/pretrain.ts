import type { Command } from "commander";
import { begin, type Context, command, textOption, withExamples } from "./command.js";
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
  withSettings(made);
  return withExamples(
    made,
    "pretrain photos --arch resnet18 --width 16 --stem small --crop 64 --epochs 50 --queue 750",
    "pretrain photos --preset paper --out runs/paper",
    "pretrain photos --config run.yaml --mask.ratio 0.1,0.4",
    "pretrain photos --config run.yaml --resume",
  );
}
