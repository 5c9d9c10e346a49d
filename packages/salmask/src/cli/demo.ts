import type { Command } from "commander";
import { percent } from "../base/format.js";
import { begin, type Context, command, requiredText, withExamples } from "./command.js";

export function demoCommand(context: Context): Command {
  const made = command(context, async (_args, options, output) => {
    const { demo } = await begin(context, import("./demo-run.js"));
    const out = requiredText(options, "out");
    const tensorboard = options.tensorboard === true;
    const summary = await demo({ out, tensorboard, signal: context.signal, report: output.report });
    output.result(summary, [
      "",
      "          trained   untrained",
      `kNN       ${percent(summary.knn.top1, 1)}    ${percent(summary.knn.randomTop1, 1)}`,
      `linear    ${percent(summary.linear.top1, 1)}    ${percent(summary.linear.randomTop1, 1)}`,
      "",
      `Look at ${summary.views}: what the encoder compared.`,
      `The encoder is in ${summary.weights}. On your own photos: npx salmask pretrain PHOTOS`,
    ]);
  })
    .option("--out <folder>", "the run's folder; an earlier run there is replaced", "runs/demo")
    .option("--tensorboard", "also write event files for TensorBoard beside metrics.jsonl");
  return withExamples(made, "demo", "demo --out runs/first --json");
}
