/** Reads a run's log and reports what is wrong with the run and what to try. */
import { UsageError } from "../base/errors.js";
import type { LogEntry } from "../base/events.js";
import { mapStages, type StageSeconds } from "../base/stage-clock.js";
import { pretrainSettings } from "../config/schema.js";
import { RunFolder } from "../runs/run-folder.js";
import { type BranchVariance, type Finding, findings, type Log, lastVariance, meanOf } from "./findings.js";

export interface Diagnosis {
  run: string;
  /** The name of its kind of settings, such as `pretrain`. */
  kind: string;
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
  /** null where there are no checks for this kind of run: they know pre-training alone. */
  findings: Finding[] | null;
}

/**
 * Diagnoses the run in a folder by its log, or by those lines of it that a caller has read. Throws {@link UsageError} `no-run` if
 * there is no line.
 */
export function diagnose(run: string, read?: readonly LogEntry[]): Diagnosis {
  const folder = new RunFolder(run);
  const entries = read ?? folder.log.read();
  const newest = entries.at(-1);
  if (newest === undefined) {
    throw new UsageError(
      "no-run",
      `Expected the folder of a run that has logged a step, got ${run}, which has none in ${folder.log.path}.`,
    );
  }
  const kind = folder.readKindName();
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
  const isChecked = kind === pretrainSettings.name;
  const found = isChecked ? findings(logOf(folder, entries, end)) : null;
  return { run, kind, steps: newest.step, last, findings: found };
}

function logOf(folder: RunFolder, entries: readonly LogEntry[], end: readonly LogEntry[]): Log {
  const [config, summary, probes] = [folder.readConfig(), folder.readSummary(), folder.readProbes()];
  return { config, entries, end, summary, probes };
}

function meanSeconds(steps: readonly StageSeconds[]): StageSeconds | null {
  if (steps.length === 0) return null;
  return mapStages((stage) => steps.reduce((sum, seconds) => sum + seconds[stage], 0) / steps.length);
}
