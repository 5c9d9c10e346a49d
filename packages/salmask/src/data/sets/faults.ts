/** What is wrong with a data set, gathered while it is read. */
import { DataError } from "../../base/errors.js";

/** The kind of a fault. */
export type FaultCode =
  // annotations
  | "no-annotations"
  | "bad-annotation"
  | "duplicate-id"
  | "unknown-photo"
  | "unknown-category"
  | "bad-category"
  | "bad-box"
  | "empty-box"
  | "box-outside"
  | "bad-segmentation"
  // photos
  | "bad-photo"
  | "missing-photo"
  | "unreadable-photo"
  | "other-size"
  | "no-photos"
  | "no-class"
  // files of a set
  | "missing-file"
  | "bad-file"
  | "bad-label"
  | "bad-split";

/** One thing that is wrong with a data set. */
export interface Fault {
  readonly code: FaultCode;
  /** What it is in, by its id, such as `annotation 17` or `photo 000000000009.jpg`. */
  readonly of: string;
  readonly message: string;
}

/** Faults that are kept with their messages: what people read, however much is wrong. */
const mostKept = 10;

/** Gathers what is wrong with a data set: counts all, and keeps the first messages. */
export class Faults {
  /** The first that were found. */
  readonly first: Fault[] = [];
  /** How many there are of each kind. */
  readonly counts = new Map<FaultCode, number>();
  total = 0;

  /** Counts a fault, and keeps it if it is among the first. */
  add(code: FaultCode, of: string, message: string): void {
    if (this.first.length < mostKept) this.first.push({ code, of, message });
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    this.total++;
  }

  /** One line a fault, and how many more there are. */
  lines(): string[] {
    const lines = this.first.map(({ of, message }) => `${of}: ${message}`);
    const left = this.total - this.first.length;
    return left > 0 ? [...lines, `... and ${left} more`] : lines;
  }

  /** How often each kind of fault is there, such as `3 empty-box, 1 duplicate-id`. */
  summary(): string {
    return [...this.counts].map(([code, count]) => `${count} ${code}`).join(", ");
  }
}

/** A data set has faults and was to be used without leaving anything out. */
export class FaultyDataError extends DataError {
  /** The first of them. */
  readonly faults: readonly Fault[];
  readonly total: number;

  constructor(title: string, path: string, faults: Faults) {
    const lines = faults.lines().map((line) => `\n  ${line}`);
    const what = `${faults.total} ${faults.total === 1 ? "fault" : "faults"} (${faults.summary()})`;
    super(
      "faulty-data",
      `Expected ${title} without faults in ${path}, got ${what}:${lines.join("")}\n` +
        `Mend the set, or leave out what is wrong with --skip-bad. All that it holds: salmask data check ${path}`,
    );
    this.faults = faults.first;
    this.total = faults.total;
  }
}
