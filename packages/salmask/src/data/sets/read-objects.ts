import { UsageError } from "../../base/errors.js";
import type { AnnotatedPhotos } from "../samples/objects.js";
import type { AnnotatedSet, ReadObjects } from "./data-set.js";
import { Faults, FaultyDataError } from "./faults.js";

/** What is read of annotations, and what happens to what is wrong with them. */
export interface UseObjects extends ReadObjects {
  /** Leaves out what is wrong, and counts it; otherwise a split with faults is refused. Default false. */
  readonly skipBad?: boolean;
}

/**
 * The photos of a split with their objects, to be used, and what of it was left out. Throws a UsageError `no-such-split`,
 * FaultyDataError where it has faults and `skipBad` does not say to leave them out, and what the set's reader says.
 */
export async function readObjects(
  set: AnnotatedSet,
  split: string,
  { skipBad = false, ...options }: UseObjects = {},
): Promise<{ readonly photos: AnnotatedPhotos; readonly faults: Faults }> {
  const found = set.splits.find(({ name }) => name === split);
  if (found === undefined) {
    const names = set.splits.map(({ name }) => name).join(", ");
    throw new UsageError(
      "no-such-split",
      `Expected one of the splits ${names} of ${set.path}, got ${split}.`,
    );
  }
  const faults = new Faults();
  const photos = await found.read(faults, options);
  if (faults.total > 0 && !skipBad)
    throw new FaultyDataError(`${set.title}, split ${split},`, set.path, faults);
  return { photos, faults };
}
