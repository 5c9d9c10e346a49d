/** What both embedded sets may be told, and the limits of it. */
import { UsageError } from "../../base/errors.js";
import { concepts } from "./drawings.js";
import { type Difficulty, difficulties } from "./settings.js";

/** Each set says what it is usually made of. */
export interface EmbeddedOptions {
  /** Whole number from 0. */
  readonly seed?: number;
  /** Pictures of the train split, from 1 to 99,999. */
  readonly train?: number;
  /** Pictures of the test split, from 0 to 99,999. */
  readonly test?: number;
  /** Side of the pictures in pixels, from 32 to 512. */
  readonly size?: number;
  /** From 2 to 20. */
  readonly classes?: number;
  readonly difficulty?: Difficulty;
}

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new UsageError(
    `embedded-${name}`,
    `Expected ${name} of the embedded data set to be a whole number from ${least} to ${most}, got ${value}.`,
  );
}

/** The options, with the usual ones for what is not given. Throws {@link UsageError} `embedded-<option>`. */
export function checkedOptions(
  given: EmbeddedOptions,
  usual: Required<EmbeddedOptions>,
): Required<EmbeddedOptions> {
  const options: Required<EmbeddedOptions> = {
    seed: given.seed ?? usual.seed,
    train: given.train ?? usual.train,
    test: given.test ?? usual.test,
    size: given.size ?? usual.size,
    classes: given.classes ?? usual.classes,
    difficulty: given.difficulty ?? usual.difficulty,
  };
  requireWhole("seed", options.seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole("train", options.train, 1, 99_999);
  requireWhole("test", options.test, 0, 99_999);
  requireWhole("size", options.size, 32, 512);
  requireWhole("classes", options.classes, 2, concepts.length);
  if (!difficulties.includes(options.difficulty)) {
    throw new UsageError(
      "embedded-difficulty",
      `Expected difficulty to be one of ${difficulties.join(", ")}, got "${options.difficulty}".`,
    );
  }
  return options;
}
