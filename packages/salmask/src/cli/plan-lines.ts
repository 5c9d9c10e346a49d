/** Plans as lines for people. */
import { duration, fileSize } from "../base/format.js";
import type { ExperimentPlan } from "../experiment/dry-run.js";
import type { DetectPlan } from "../tasks/detect/plan.js";
import type { FinetunePlan } from "../tasks/finetune/plan.js";
import type { PretrainPlan } from "../tasks/pretrain/plan.js";
import type { RunPlan } from "../training/run-plan.js";
import type { TransferDryRun } from "../transfer/dry-run.js";

const grouped = (count: number) => count.toLocaleString("en-US");
const nothing = "This was a dry run: nothing was written.";

export function pretrainPlanLines({ stored, views, ...plan }: PretrainPlan): string[] {
  const shown = views.map(({ name, count, crop }) => `${grouped(count)} ${name} of ${crop} px`);
  return [
    `photos    ${grouped(plan.photos)}, ${
      stored.bytes === 0
        ? `read from shards as they are needed, as squares of ${stored.side} px`
        : `stored as squares of ${stored.side} px: ${fileSize(stored.bytes)} of cache`
    }`,
    ...stepLines(plan),
    `views     of a step: ${shown.join(", ")}`,
    ...costLines(plan),
  ];
}

export function finetunePlanLines({ classes, crop, ...plan }: FinetunePlan): string[] {
  return [
    `photos    ${grouped(plan.photos)} with known labels of ${grouped(classes)} classes, seen at ${crop} px`,
    ...stepLines(plan),
    ...costLines(plan),
  ];
}

export function detectPlanLines({ objects, categories, why, ...plan }: DetectPlan): string[] {
  return [
    ...why,
    `photos    ${grouped(plan.photos)} with ${grouped(objects)} objects of ${grouped(categories)} categories`,
    ...stepLines(plan),
    ...costLines(plan),
  ];
}

export function experimentPlanLines({ name, photos, jobs, rows, seconds }: ExperimentPlan): string[] {
  const left = rows.reduce((sum, row) => sum + row.runs - row.done, 0);
  return [
    `${name}: ${grouped(photos)} photos to learn from`,
    ...rows.map(({ row, runs, done, steps, parameters, seconds: each }) =>
      [
        `${row}: ${runs} runs${done === 0 ? "" : `, ${done} of them done before`}`,
        steps === null ? "as long as another row" : `${grouped(steps)} steps`,
        `${grouped(parameters)} numbers are learned`,
        `about ${duration(each)} a run`,
      ].join(", "),
    ),
    `time      about ${duration(seconds)} for the training of ${left} runs, ${jobs} at once; probes and transfer come on top`,
    nothing,
  ];
}

export function transferPlanLines({ name, works, undrawn, seconds }: TransferDryRun): string[] {
  const left = works.reduce((sum, work) => sum + work.cells - work.done, 0);
  return [
    name,
    ...works.map(({ set, work, cells, done, seconds: each }) => {
      const before = done === 0 ? "" : `, ${done} of them done before`;
      return `${set}, ${work}: ${cells} cells${before}, about ${duration(each)} each`;
    }),
    ...undrawn.map((set) => `${set}: not known before it is drawn, when the table begins`),
    `time      about ${duration(seconds)} for ${left} cells, by what was finished or tried here; decoding and scoring come on top`,
    nothing,
  ];
}

function stepLines({ batchSize, stepsPerEpoch, epochs, steps, done }: RunPlan): string[] {
  const before = done === 0 ? "" : `; ${grouped(done)} are done`;
  const all = Number.isInteger(epochs) ? `${grouped(epochs)} epochs` : `${epochs.toFixed(2)} epochs`;
  return [
    `steps     ${grouped(stepsPerEpoch)} an epoch of ${batchSize} photos each, ${all}: ${grouped(steps)}${before}`,
  ];
}

function costLines({ trial, seconds }: RunPlan): string[] {
  const { weights, gradients, optimizer, activations } = trial.memory;
  const known = weights + gradients + optimizer;
  const parts = [
    `weights and copies ${fileSize(weights)}`,
    `gradients ${fileSize(gradients)}`,
    `optimizer ${fileSize(optimizer)}`,
    activations === null ? "activations not known here" : `activations ${fileSize(activations)}`,
  ];
  return [
    `learns    ${grouped(trial.parameters)} numbers`,
    `memory    about ${fileSize(known + (activations ?? 0))}, an estimate besides the program itself: ${parts.join(", ")}`,
    `time      about ${duration(seconds)}, by steps tried here: ${trial.step.toPrecision(2)} s each`,
    nothing,
  ];
}
