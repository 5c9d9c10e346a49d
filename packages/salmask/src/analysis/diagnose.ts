/** Reads a run's log and reports what is wrong with the run and what to try. */
import { UsageError } from "../base/errors.js";
import { mapStages, type StageSeconds } from "../base/stage-clock.js";
import { RunFolder } from "../runs/run-folder.js";
import { type BranchVariance, type Finding, findings, lastVariance, meanOf } from "./findings.js";

export interface Diagnosis {
  run: string;
  steps: number;
  /** Means over the last tenth of the log; null if the log does not contain the number. */
  last: {
    loss: number | null;
    contrastAccuracy: number | null;
    foregroundShare: number | null;
    rank: number | null;
    /** Between foreground and true masks. */
    iou: number | null;
    /** The time of a step, per stage. */
    seconds: StageSeconds | null;
    /** The last measurement, not a mean. */
    branchVariance: BranchVariance | null;
  };
  findings: Finding[];
}

/** Diagnoses the run in a folder. Throws {@link UsageError} `no-run` if the folder holds no run with a log. */
export function diagnose(run: string): Diagnosis {
  const folder = new RunFolder(run);
  const entries = folder.log.read();
  const newest = entries.at(-1);
  if (newest === undefined) {
    throw new UsageError(
      "no-run",
      `Expected the folder of a run that has logged a step, got ${run}, which has none in ${folder.log.path}.`,
    );
  }
  const config = folder.readConfig();
  const end = entries.slice(-Math.max(1, Math.round(entries.length / 10)));
  const last = {
    loss: meanOf(end, "loss"),
    contrastAccuracy: meanOf(end, "contrastAccuracy"),
    foregroundShare: meanOf(end, "foregroundShare"),
    rank: meanOf(end, "rank"),
    iou: meanOf(end, "iou"),
    seconds: meanSeconds(end.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]))),
    branchVariance: lastVariance(entries),
  };
  const [summary, probes] = [folder.readSummary(), folder.readProbes()];
  return { run, steps: newest.step, last, findings: findings({ config, entries, end, summary, probes }) };
}

function meanSeconds(steps: readonly StageSeconds[]): StageSeconds | null {
  if (steps.length === 0) return null;
  return mapStages((stage) => steps.reduce((sum, seconds) => sum + seconds[stage], 0) / steps.length);
}
