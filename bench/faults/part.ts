/** What a part of `npm run bench -- faults` is asked for, and what it found. */

export interface PartOptions {
  readonly seed: number;
  /** 1 is the whole count; 0.1 is a tenth of it. */
  readonly share: number;
  /** Kinds of files with this text in their names. */
  readonly only: string;
  /** Folder for what fell through. */
  readonly keep: string;
}

export interface PartResult {
  /** What was done, such as `2000 images`. */
  readonly counted: string;
  /** How many of it ended otherwise than it must. */
  readonly fallen: number;
}
