import {
  detect,
  detectSettings,
  loadDetector,
  loadSettings,
  openSet,
  readObjects,
  trainDetector,
} from "salmask";

/** An object that was found in a photo. */
export interface Found {
  readonly photo: string;
  readonly category: string;
  /** Left, top, right and bottom, in pixels. */
  readonly box: readonly number[];
  /** 0 to 1. */
  readonly score: number;
}

/**
 * Trains a detector on the encoder of a run, and looks at the photos of the set. The set is a folder in the layout of COCO,
 * PASCAL VOC or `salmask data embedded --objects`.
 */
export async function trainAndDetect(
  encoder: string,
  set: string,
  out: string,
  options: Record<string, unknown> = {},
): Promise<Found[]> {
  const opened = await openSet(set);
  if (opened.set.kind !== "annotated") throw new Error(`Expected photos with objects in ${set}.`);
  const split = opened.set.splits.find(({ use }) => use === "train");
  if (split === undefined) throw new Error(`Expected photos to learn from in ${set}.`);
  const { photos } = await readObjects(opened.set, split.name);

  const config = loadSettings(detectSettings, options);
  const { weights } = await trainDetector({ encoder, set: photos, out, config });

  const { detector, description } = loadDetector(weights);
  try {
    const found: Found[] = [];
    const names = photos.photos.map(({ name }) => name);
    for await (const { id, detections } of detect(detector, { path: photos.path, names })) {
      for (const { category, box, score } of detections)
        found.push({ photo: names[id], category: description.categories[category].name, box, score });
    }
    return found;
  } finally {
    detector.dispose();
  }
}
