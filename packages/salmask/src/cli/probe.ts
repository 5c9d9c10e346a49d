import type { Command } from "commander";
import { Option } from "commander";
import { UsageError } from "../base/errors.js";
import { percent } from "../base/format.js";
import { labelBudgetForm } from "../data/samples/label-budget.js";
import { usualLastEpochs } from "../runs/last-epochs.js";
import { classificationLines } from "./classification-lines.js";
import {
  begin,
  type Context,
  command,
  countOption,
  dashed,
  type Options,
  requiredText,
  textOption,
  withExamples,
} from "./command.js";

export function probeCommand(context: Context): Command {
  const made = command(context, async (args, options, output) => {
    const [run, ...photos] = args;
    const seed = countOption(options, "seed", 0, { least: 0 });
    const heldOut = shareOption(options, "heldOut");
    const subset = textOption(options, "subset") === undefined ? null : "imagenet-100";
    const { probeRun } = await begin(context, import("../tasks/probe/probe-run.js"));
    const result = await probeRun({
      run,
      photos,
      protocol: options.protocol === "paper" ? "paper" : "fast",
      seed,
      labels: textOption(options, "labels"),
      lastEpochs: countOption(options, "lastEpochs", usualLastEpochs),
      heldOut,
      subset,
      skipBad: options.skipBad === true,
      cache: textOption(options, "cache"),
      signal: context.signal,
      report: output.report,
    });
    const over =
      result.lastEpochs === 1 ? [] : [`means over the encoders of the last ${result.lastEpochs} epochs:`];
    output.result(result, [
      ...over,
      `kNN     ${percent(result.knn.top1, 2)}   untrained ${percent(result.knn.randomTop1, 2)}`,
      `linear  ${percent(result.linear.top1, 2)}   untrained ${percent(result.linear.randomTop1, 2)}`,
      ...classificationLines(result.linearScores, result.classes),
    ]);
  })
    .argument("<run>", "a run's folder, or a safetensors file of weights")
    .argument(
      "<photos...>",
      "labelled photos: a data set (salmask data check says which), or the two folders",
    )
    .addOption(
      new Option(
        "--protocol <name>",
        "fast: features once; paper: SGD at lr 30 on augmented photos, 100 epochs",
      )
        .choices(["fast", "paper"])
        .default("fast"),
    )
    .option("--labels <known>", `training labels that are known: ${labelBudgetForm}`, "all")
    .option(
      "--seed <number>",
      "of the untrained encoder, the held-out rows, the paper's SGD and drawn splits",
      "0",
    )
    .option(
      "--last-epochs <n>",
      "epochs at the end of the run whose encoders are scored; the score is the mean",
      String(usualLastEpochs),
    )
    .option(
      "--held-out <share>",
      "share of each class that is scored on, of class folders without a split",
      "0.2",
    )
    .addOption(
      new Option("--subset <name>", "of an ImageNet folder: these classes alone").choices(["imagenet-100"]),
    )
    .option("--skip-bad", "leave out what is wrong with a data set instead of refusing it")
    .option("--cache <folder>", "folder of the packed photos");
  return withExamples(
    made,
    "probe runs/pretrain labelled",
    "probe runs/pretrain labelled --labels 1%",
    "probe runs/pretrain labelled/train labelled/test --protocol paper",
  );
}

/** A share between 0 and 1. Throws {@link UsageError}. */
function shareOption(options: Options, name: string): number {
  const text = requiredText(options, name);
  const share = Number(text);
  if (text.trim() !== "" && share > 0 && share < 1) return share;
  throw new UsageError(
    "bad-option",
    `Expected a share between 0 and 1 for --${dashed(name)}, got ${JSON.stringify(text)}.`,
  );
}
