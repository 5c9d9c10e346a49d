/** Reads what a run logged and says in words what is wrong with it, and what to try. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import { loadConfig } from "../config/load.js";
import { readMetrics } from "../runs/metrics-log.js";
import type { BranchVariance } from "../tasks/pretrain/branch-variance.js";
import { mapStages, type StageSeconds } from "../training/stage-clock.js";
import { type Finding, findings, lastVariance, mean, meanOf } from "./findings.js";

export interface Diagnosis {
  run: string;
  steps: number;
  /** Means over the last tenth of the log. */
  last: {
    loss: number;
    contrastAccuracy: number;
    foregroundShare: number | null;
    rank: number | null;
    /** Of foreground and true masks. */
    iou: number | null;
    /** Where a step's time went. */
    seconds: StageSeconds | null;
    /** The last that was looked at, not a mean. */
    branchVariance: BranchVariance | null;
  };
  findings: Finding[];
}

/** Diagnoses the run in a folder. Throws {@link UsageError} `no-run` where it holds no log of one. */
export function diagnose(run: string): Diagnosis {
  const log = join(run, "metrics.jsonl");
  const metrics = existsSync(log) ? readMetrics(log) : [];
  if (metrics.length === 0) {
    throw new UsageError(
      "no-run",
      `Expected the folder of a run that has logged a step, but there is nothing in ${log}.`,
    );
  }
  const config = loadConfig({}, { file: join(run, "config.yaml") });
  const tenth = Math.max(1, Math.round(metrics.length / 10));
  const end = metrics.slice(-tenth);
  const last = {
    loss: mean(end.map(({ loss }) => loss)),
    contrastAccuracy: mean(end.map(({ contrastAccuracy }) => contrastAccuracy)),
    foregroundShare: meanOf(end.map(({ foregroundShare }) => foregroundShare)),
    rank: meanOf(end.map(({ embedding }) => embedding?.rank)),
    iou: meanOf(end.map(({ agreement }) => agreement?.iou)),
    seconds: meanSeconds(end.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]))),
    branchVariance: lastVariance(metrics),
  };
  return {
    ...{ run, steps: metrics[metrics.length - 1].step, last },
    findings: findings({ config, metrics, end }),
  };
}

function meanSeconds(steps: readonly StageSeconds[]): StageSeconds | null {
  return steps.length === 0 ? null : mapStages((stage) => mean(steps.map((seconds) => seconds[stage])));
}
