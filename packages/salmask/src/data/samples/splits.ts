/** The splits of a labelled folder: photos to learn from, and photos to score. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../base/errors.js";

/** Folder names for the photos to score. The first that exists is used, unless another is given. */
export const HELD_OUT_NAMES: readonly string[] = ["test", "val", "valid", "validation"];

export interface Splits {
  /** Path of the photos to learn from. */
  readonly train: string;
  /** Path of the photos to score. */
  readonly test: string;
  /** Name of the folder of `test`, such as `validation`. */
  readonly chosen: string;
  /** Names of other folders that match; if there are any, tell the user which one was used. */
  readonly others: readonly string[];
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/**
 * The splits of a folder that contains `train` and at least one of {@link HELD_OUT_NAMES}, or `wanted`, the name of any
 * other folder. Throws a {@link UsageError} `no-splits` if one of the two does not exist.
 */
export function splitsOf(folder: string, wanted?: string): Splits {
  const train = join(folder, "train");
  const candidates = wanted === undefined ? HELD_OUT_NAMES : [...new Set([wanted, ...HELD_OUT_NAMES])];
  const found = candidates.filter((name) => isFolder(join(folder, name)));
  const chosen = found[0];
  if (!isFolder(train) || chosen === undefined || (wanted !== undefined && chosen !== wanted)) {
    const expected = wanted ?? HELD_OUT_NAMES.join(" or ");
    const got = [...(isFolder(train) ? ["train"] : []), ...found];
    throw new UsageError(
      "no-splits",
      `Expected a folder with train and ${expected} in ${folder}, got ${got.length === 0 ? "none of them" : got.join(" and ")}. ` +
        "Name the two folders of photos instead.",
    );
  }
  return { train, test: join(folder, chosen), chosen, others: found.slice(1) };
}
