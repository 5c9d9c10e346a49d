/** What happens in a long task, for whoever wants to show it: the command line, a log, a page. */
import type { StageSeconds } from "./stage-clock.js";

/** A line of a run's log: of the step that ended at `step`. */
export interface LogEntry {
  /** Steps done, over all epochs. */
  readonly step: number;
  readonly epoch: number;
  /** When it was written, ISO 8601; null in logs of before that was noted. */
  readonly time: string | null;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** Where the step's time went; null in logs of before that was measured. */
  readonly seconds: StageSeconds | null;
  /** Named numbers of the task, none of them obligatory. Shares are 0 to 1. */
  readonly logs: Readonly<Record<string, number>>;
}

export type RunEvent =
  /** Many like things are gone through: photos decoded, photos mapped, epochs of a probe. */
  | {
      readonly kind: "progress";
      readonly what: string;
      readonly done: number;
      /** null where it is not known yet. */
      readonly total: number | null;
    }
  /** Something that people should know and that does not stop the task. */
  | { readonly kind: "warning"; readonly code: string; readonly message: string }
  /** What goes on, in a sentence. */
  | { readonly kind: "note"; readonly message: string }
  /** Training begins, or goes on after `step` steps. */
  | {
      readonly kind: "begin";
      readonly step: number;
      readonly steps: number;
      readonly stepsPerEpoch: number;
      readonly epochs: number;
      readonly batchSize: number;
    }
  /** A step is done; `seconds` is how long it took, without what is done once per photo. */
  | { readonly kind: "step"; readonly step: number; readonly steps: number; readonly seconds: number }
  /** A line went to the log; `left` is how many seconds the rest will take at this speed. */
  | {
      readonly kind: "log";
      readonly entry: LogEntry;
      readonly steps: number;
      readonly epochs: number;
      readonly left: number;
    }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string };

/** Takes events as they happen. */
export type Report = (event: RunEvent) => void;

export const silent: Report = () => {};
