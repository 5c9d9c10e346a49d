import type { Command } from "commander";
import { duration, percent } from "../base/format.js";
import type { FinetuneSummary } from "../runs/records.js";
import type { FinetuneConfig } from "../tasks/finetune/settings.js";
import { classificationLines } from "./classification-lines.js";
import { begin, type Context, command, withExamples } from "./command.js";
import { ranksFor, startRanks, withRankOptions } from "./rank-options.js";
import { runOptions, withRunOptions } from "./run-options.js";
import { type Offered, settingsReader, withSettingsOf } from "./settings-options.js";

const offered: Offered<FinetuneConfig> = {
  name: "finetune",
  load: async () => (await import("../tasks/finetune/settings.js")).finetuneSettings,
  shortNames: {},
};

export function finetuneCommand(context: Context): Command {
  const made = command(context, async ([encoder, ...photos], options, output) => {
    const { out, resume, tensorboard, isDryRun } = await runOptions(options);
    const join = await startRanks(context, options, output);
    if (join === null) return;
    using membership = await join();
    const settingsFrom = await settingsReader(offered);
    const config = settingsFrom(options);
    const { signal } = context;
    if (isDryRun) {
      const { planFinetuning } = await begin(context, import("../tasks/finetune/plan.js"));
      const given = { encoder, photos, out, config, resume, signal, report: output.report };
      const plan = await planFinetuning(given);
      const { finetunePlanLines } = await import("./plan-lines.js");
      return output.result(plan, finetunePlanLines(plan));
    }
    const { finetune } = await begin(context, import("../tasks/finetune/finetune.js"));
    const summary = await finetune({
      encoder,
      photos,
      out,
      config,
      resume,
      tensorboard,
      ranks: await ranksFor(membership, config),
      signal,
      report: output.report,
    });
    output.result(summary, resultLines(summary));
  })
    .argument("<encoder>", "a run's folder, or a safetensors file of weights")
    .argument("<photos...>", "labelled photos: one folder with train and test (or val), or both folders");
  withRunOptions(made, "runs/finetune");
  withRankOptions(made);
  withSettingsOf(made, offered);
  return withExamples(
    made,
    "finetune runs/pretrain labelled",
    "finetune runs/pretrain labelled --labels 10% --out runs/tenth",
    "finetune runs/pretrain labelled --labels 10% --start random --out runs/tenth-untrained",
  );
}

function resultLines({ scores, classes, ...run }: FinetuneSummary): string[] {
  return [
    `done: ${run.trainPhotos} labels, ${run.epochs} epochs, ${run.steps} steps in ${duration(run.seconds)}`,
    `top-1   ${percent(scores.top1, 2)} of ${run.testPhotos} photos`,
    ...classificationLines(scores, classes),
    `weights: ${run.weights}`,
  ];
}
