/** The parts of a set on disk that a detector learns from, or is scored on. */
import { UsageError } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import { joinObjects } from "../../data/samples/join-objects.js";
import type { AnnotatedPhotos } from "../../data/samples/objects.js";
import type { AnnotatedSet, SplitName } from "../../data/sets/data-set.js";
import { readObjects } from "../../data/sets/read-objects.js";
import { openSet } from "../../data/sets/registry.js";

export interface ObjectsOnDisk {
  /** A set in COCO's or VOC's layout. */
  readonly folder: string;
  /** The set's own name of a part, or several, as `a,b`; undefined takes the first part of the wanted use. */
  readonly split: string | undefined;
  readonly skipBad: boolean;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

export interface WantedObjects {
  /** What the part is for, the most wanted first. */
  readonly uses: readonly SplitName[];
  /** Whether masks are read that take opening a picture for each photo. */
  readonly masks: boolean;
}

/** Reads the wanted parts of a set. Throws {@link UsageError} `no-objects`, `no-such-split`, and what `readObjects` throws. */
export async function openObjects(
  { folder, split, skipBad, signal, report }: ObjectsOnDisk,
  { uses, masks }: WantedObjects,
): Promise<AnnotatedPhotos> {
  const { set } = await openSet(folder, { skipBad });
  if (set.kind !== "annotated") {
    throw new UsageError(
      "no-objects",
      `Expected a set with boxes of objects, in COCO's or VOC's layout, at ${folder}, got ${set.title}.`,
    );
  }
  const parts: AnnotatedPhotos[] = [];
  for (const name of split === undefined ? [usualPart(set, uses)] : partsIn(set, split)) {
    const { photos, faults } = await readObjects(set, name, { skipBad, masks, signal });
    report({ kind: "note", message: `${set.title}, ${name}: ${photos.photos.length} photos` });
    if (faults.total > 0) {
      const message = `${faults.total} faults were left out (${faults.summary()}); salmask data check ${folder} lists them`;
      report({ kind: "warning", code: "faults-skipped", message });
    }
    parts.push(photos);
  }
  return joinObjects(parts);
}

/** The parts that a text names: one whose name may have commas, or several with commas between. */
function partsIn(set: AnnotatedSet, split: string): string[] {
  if (set.splits.some((part) => part.name === split)) return [split];
  return split.split(",").map((name) => name.trim());
}

/** The name of the first part that is for one of these uses, in their order. Throws {@link UsageError} `no-such-split`. */
function usualPart(set: AnnotatedSet, uses: readonly SplitName[]): string {
  const usual = uses
    .map((use) => set.splits.find((part) => part.use === use))
    .find((part) => part !== undefined);
  if (usual !== undefined) return usual.name;
  const names = set.splits.map((part) => part.name).join(", ");
  throw new UsageError(
    "no-such-split",
    `Expected a part for ${uses.join(" or ")} in ${set.path}, got ${names}. Name one by --split.`,
  );
}
