/** Events of a long task, for any part that shows them: the command line, a log, a page. */
import type { LoggedSeconds } from "./stage-clock.js";

/** One entry of a run's log, for the step that ended at `step`. */
export interface LogEntry {
  /** Number of completed steps over all epochs. */
  readonly step: number;
  readonly epoch: number;
  /** The time of writing, ISO 8601; null in older logs without it. */
  readonly time: string | null;
  readonly lr: number;
  readonly imagesPerSecond: number;
  /** The time of the step, per stage; null in older logs without it. */
  readonly seconds: LoggedSeconds | null;
  /** Named numbers of the task; all of them are optional. Shares are 0 to 1. */
  readonly logs: Readonly<Record<string, number>>;
}

/** What a long task reports while it works; `kind` says which event it is. */
export type RunEvent =
  /** Progress over many similar items: photos decoded, photos mapped, epochs of a probe. */
  | {
      readonly kind: "progress";
      readonly what: string;
      readonly done: number;
      /** null if it is not known yet. */
      readonly total: number | null;
    }
  /** Something that the user should know but that does not stop the task. */
  | { readonly kind: "warning"; readonly code: string; readonly message: string }
  /** What happens now, in one sentence. */
  | { readonly kind: "note"; readonly message: string }
  /** Training begins, or continues after `step` steps. */
  | {
      readonly kind: "begin";
      readonly step: number;
      readonly steps: number;
      readonly stepsPerEpoch: number;
      readonly epochs: number;
      readonly batchSize: number;
    }
  /** A step has ended. `seconds` is its duration, without work that is done once per photo. */
  | { readonly kind: "step"; readonly step: number; readonly steps: number; readonly seconds: number }
  /** An entry was written to the log. `left` is the estimated number of seconds until the end. */
  | {
      readonly kind: "log";
      readonly entry: LogEntry;
      readonly steps: number;
      readonly epochs: number;
      readonly left: number;
    }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string }
  /** A cell of a table begins, or has its result. */
  | {
      readonly kind: "cell";
      /** Such as `CIFAR-10, finetune 10%, MoCo v2, seed 0`. */
      readonly name: string;
      /** `reused`: an earlier call had finished it. */
      readonly state: "begun" | "done" | "reused" | "failed";
      /** The scores, or why there are none; empty where it begins. */
      readonly outcome: string;
      /** Cells that have their result. */
      readonly done: number;
      readonly total: number;
      /** Estimated seconds until the table is complete, by cells of the same kind; null until one of each kind is known. */
      readonly left: number | null;
    };

/** Receives events when they happen. */
export type Report = (event: RunEvent) => void;

export const silent: Report = () => {};
