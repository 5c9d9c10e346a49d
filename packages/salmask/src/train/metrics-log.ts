import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { writeFileAtomic } from "../files.js";
import type { StepMetrics } from "./step.js";

/** One line of `metrics.jsonl`, of the step that ended at `step`. Shares are 0 to 1. */
export interface Metrics extends StepMetrics {
  epoch: number;
  /** Steps done, over all epochs. */
  step: number;
  lr: number;
  /** null where the method has no queue. */
  queueFill: number | null;
  imagesPerSecond: number;
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
