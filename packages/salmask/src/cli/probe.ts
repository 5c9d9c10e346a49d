import type { Command } from "commander";
import { Option } from "commander";
import { percent } from "../base/format.js";
import { begin, type Context, command, countOption, textOption, withExamples } from "./command.js";

export function probeCommand(context: Context): Command {
  const made = command(context, async (args, options, output) => {
    const [run, ...photos] = args;
    const seed = countOption(options, "seed", 0, 0);
    const { probeRun } = await begin(context, import("../tasks/probe/probe-run.js"));
    const result = await probeRun({
      run,
      photos,
      protocol: options.protocol === "paper" ? "paper" : "fast",
      seed,
      cache: textOption(options, "cache"),
      signal: context.signal,
      report: output.report,
    });
    output.result(result, [
      `kNN     ${percent(result.knn.top1, 2)}   untrained ${percent(result.knn.randomTop1, 2)}`,
      `linear  ${percent(result.linear.top1, 2)}   untrained ${percent(result.linear.randomTop1, 2)}`,
    ]);
  })
    .argument("<run>", "a run's folder, or a safetensors file of weights")
    .argument("<photos...>", "labelled photos: one folder with train and test (or val), or both folders")
    .addOption(
      new Option(
        "--protocol <name>",
        "fast: features once; paper: SGD at lr 30 on augmented photos, 100 epochs",
      )
        .choices(["fast", "paper"])
        .default("fast"),
    )
    .option("--seed <number>", "of the untrained encoder, the held-out rows and the paper's SGD", "0")
    .option("--cache <folder>", "folder of the packed photos");
  return withExamples(
    made,
    "probe runs/pretrain labelled",
    "probe runs/pretrain labelled/train labelled/test --protocol paper",
  );
}
