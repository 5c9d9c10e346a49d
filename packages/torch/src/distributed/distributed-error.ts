import { EngineError } from "../native.js";

/**
 * What failed between processes:
 * - `rank-missing`: ranks were killed, cut off, too late, or never came; {@link DistributedError.ranks} are these;
 * - `collective-failed`: a collective failed although all ranks are there;
 * - `store-failed`: the store did not answer, or has no such key in time;
 * - `no-backend`: the addon was built without the backend that was asked for.
 */
export type DistributedFailure = "rank-missing" | "collective-failed" | "store-failed" | "no-backend";

/** Processes could not work together. */
export class DistributedError extends EngineError {
  declare readonly code: DistributedFailure;
  /** The ranks that are missing, as far as that is known. */
  readonly ranks: readonly number[];

  constructor(
    code: DistributedFailure,
    message: string,
    options: { ranks?: readonly number[]; cause?: unknown } = {},
  ) {
    super(code, message, options.cause);
    this.name = "DistributedError";
    this.ranks = options.ranks ?? [];
  }
}

/** The code that the addon gave an error; undefined for other errors. */
export function nativeCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What an error says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `rank 1`, `ranks 1 and 2`, `ranks 0, 3 and 5`. */
export function named(ranks: readonly number[]): string {
  if (ranks.length === 1) return `rank ${ranks[0]}`;
  return `ranks ${ranks.slice(0, -1).join(", ")} and ${ranks[ranks.length - 1]}`;
}
