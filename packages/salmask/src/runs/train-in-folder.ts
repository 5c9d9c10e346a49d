/** Training of any task in a run's folder: its settings, its log and its checkpoints are kept there. */
import { InterruptedError } from "../base/errors.js";
import { type LogEntry, type Report, silent } from "../base/events.js";
import { type Compute, ranksOf } from "../compute/compute.js";
import type { SettingsKind } from "../config/settings-kind.js";
import { toStored } from "../config/stored.js";
import type { Checkpoint } from "../training/position.js";
import { expectTogether } from "../training/share.js";
import type { Logs, Task } from "../training/task.js";
import { type KnnScoring, restore, type Trained, train } from "../training/trainer.js";
import type { RunFolder } from "./run-folder.js";
import { asMeantHere } from "./same-run.js";
import { EventLog, hasEvents } from "./tensorboard/event-log.js";

/** Copies a checkpoint into a task, and frees it. Returns the steps that were done; 0 where there is no checkpoint. */
export function continueFrom<Batch>(
  task: Task<Batch>,
  checkpoint: Checkpoint | null,
  report: Report = silent,
): number {
  if (checkpoint === null) return 0;
  const first = restore(task, checkpoint);
  checkpoint[Symbol.dispose](); // The task has its own copy.
  report({ kind: "note", message: `going on after step ${first}` });
  return first;
}

export interface TrainInFolder<T extends { readonly precision: string }> {
  readonly folder: RunFolder;
  readonly kind: SettingsKind<T>;
  readonly config: T;
  readonly compute: Compute;
  /** Which photos the run sees. */
  readonly dataFingerprint: string;
  /** May be a fraction, for a run that is counted in steps. */
  readonly epochs: number;
  /** Steps that were done before. */
  readonly first: number;
  /** Epochs between checkpoints, how many are kept, and steps between lines of the log. */
  readonly schedule: { readonly checkpointEvery: number; readonly keep: number; readonly logEvery: number };
  /** Epochs from one call of the task's `look` to the next; 0, the default, is never. */
  readonly lookEvery?: number;
  /** Scores of the encoder while it is trained. */
  readonly knn?: KnnScoring | null;
  /** Whether TensorBoard's event files are written too. A run that has some goes on with them. Default false. */
  readonly tensorboard?: boolean;
  /** Seconds of the run so far, over all its processes. */
  readonly seconds: () => number;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Trains to the last epoch; rank 0 alone writes. `end` has the numbers of the last step, of an earlier process too. Throws what {@link train} throws. */
export async function trainInFolder<Batch, T extends { readonly precision: string }>(
  task: Task<Batch>,
  options: TrainInFolder<T>,
): Promise<Trained & { readonly end: Logs | undefined }> {
  const { folder, kind, config, compute, dataFingerprint, seconds, report = silent } = options;
  const { epochs, first, lookEvery, knn, signal } = options;
  const { checkpointEvery, keep, logEvery } = options.schedule;
  const ranks = ranksOf(compute);
  expectTogether(ranks, { photos: dataFingerprint });
  const append = ranks.isFirst ? await beginLogs(options) : null;
  const trained = await train(task, {
    epochs,
    first,
    logEvery,
    lookEvery,
    knn,
    compute,
    signal,
    checkpoints: {
      folder: folder.checkpoints,
      every: checkpointEvery,
      keep,
      identity: () => ({
        dataFingerprint,
        config: toStored(kind, asMeantHere(config, compute)),
        seconds: seconds(),
      }),
    },
    report: (event) => {
      if (event.kind === "log") append?.(event.entry);
      report(event);
    },
  });
  // If the run was already complete, these numbers are only in its log.
  return { ...trained, end: trained.last ?? folder.log.read().at(-1)?.logs };
}

/** Writes the settings, and rewinds the logs to the first step. Returns what writes an entry to them. */
async function beginLogs<T extends { readonly precision: string }>({
  folder,
  kind,
  config,
  first,
  tensorboard,
}: TrainInFolder<T>): Promise<(entry: LogEntry) => void> {
  await folder.log.rewindTo(first);
  await folder.writeSettings(kind, config);
  const isForTensorboard = tensorboard === true || hasEvents(folder.path);
  const events = isForTensorboard ? EventLog.begin(folder.path, { first, entries: folder.log.read() }) : null;
  return (entry) => {
    folder.log.append(entry);
    events?.append(entry);
  };
}

/** Work after the last step. Its InterruptedError says that training has ended, and how the rest is made up for. */
export async function whileResumable<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    throw new InterruptedError(
      `Stopped while what was trained was ${what}. Training has ended; run the same command with --resume for the rest.`,
    );
  }
}
