import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { writeFileAtomic } from "../base/files.js";
import type { BranchVariance } from "../tasks/pretrain/branch-variance.js";
import { type StageSeconds, stages } from "../training/stage-clock.js";
import type { StepMetrics } from "../tasks/pretrain/step.js";

/** One line of `metrics.jsonl`, of the step that ended at `step`. Shares are 0 to 1. */
export interface Metrics extends Omit<StepMetrics, "seconds"> {
  epoch: number;
  /** Steps done, over all epochs. */
  step: number;
  lr: number;
  /** null where the method has no queue. */
  queueFill: number | null;
  imagesPerSecond: number;
  /** Where the step's time went; null in logs of before that was measured. */
  seconds: StageSeconds | null;
  /** At the end of an epoch that was looked at; else null. */
  branchVariance: BranchVariance | null;
}

const share = z.number().nullable();

/** A logged line as it is read back. Logs of before a column was there have null in it. */
const metricsSchema: z.ZodType<Metrics> = z.object({
  ...{ epoch: z.int(), step: z.int(), lr: z.number(), queueFill: share, imagesPerSecond: z.number() },
  ...{ loss: z.number(), contrastAccuracy: z.number(), maskedShare: z.number() },
  ...{ foregroundShare: share, allForegroundShare: share },
  embedding: z
    .object({ alignment: z.number(), uniformity: z.number(), rank: z.number() })
    .nullable()
    .default(null),
  agreement: z.object({ iou: z.number(), wholeCropIou: z.number() }).nullable().default(null),
  seconds: z.record(z.enum(stages), z.number()).nullable().default(null),
  branchVariance: z.object({ query: z.number(), key: z.number() }).nullable().default(null),
});

/** The lines of a run's log, in their order; a last line that was cut off is left out. */
export function readMetrics(path: string): Metrics[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => Number.isFinite(stepOf(line)))
    .map((line) => metricsSchema.parse(JSON.parse(line)));
}

/** Appends lines to `metrics.jsonl`, so that whatever is read of it is whole up to the last line. */
export class MetricsLog {
  constructor(private readonly path: string) {}

  append(metrics: Metrics): void {
    appendFileSync(this.path, `${JSON.stringify(metrics)}\n`);
  }

  /** Drops the lines after `step`, which a resumed run writes again, and a last line that was cut off. */
  async rewindTo(step: number): Promise<void> {
    if (!existsSync(this.path)) return;
    const kept = readFileSync(this.path, "utf8")
      .split("\n")
      .filter((line) => stepOf(line) <= step);
    await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(""));
  }
}

function stepOf(line: string): number {
  try {
    const value: unknown = JSON.parse(line);
    const step: unknown =
      typeof value === "object" && value !== null ? Reflect.get(value, "step") : undefined;
    return typeof step === "number" ? step : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
