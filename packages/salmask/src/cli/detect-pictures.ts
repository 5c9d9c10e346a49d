/** Pictures of photos with what a detector found in them. */
import { join, parse } from "node:path";
import { writeFileAtomic } from "../base/files.js";
import type { AnnotatedPhoto, Category } from "../data/samples/objects.js";
import { toMask } from "../data/samples/segmentation.js";
import { type DrawnObject, pictureOfDetections } from "../report/detections-picture.js";
import type { DetectedPhoto } from "../tasks/detect/detect.js";

/** How a photo is drawn, and where its picture goes. */
export interface Drawing {
  readonly folder: string;
  /** Of the picture: one of {@link pictureNames}. */
  readonly name: string;
  /** Score from which an object is drawn. */
  readonly score: number;
  readonly categories: readonly Category[];
}

/** Writes the photo's picture; with its annotations, the truth stands beside what was found. */
export async function drawDetections(
  { photo, detections }: DetectedPhoto,
  { folder, name, score, categories }: Drawing,
  annotated: AnnotatedPhoto | null,
): Promise<void> {
  const found = detections.filter((detection) => detection.score >= score);
  const drawnFound = found.map(
    (detection): DrawnObject => ({ ...detection, name: categories[detection.category].name }),
  );
  const truth = annotated?.objects.map(
    ({ segmentation, ...object }): DrawnObject => ({
      ...object,
      name: categories[object.category].name,
      score: null,
      mask: segmentation === null ? null : toMask(segmentation, annotated.height, annotated.width),
    }),
  );
  const picture = await pictureOfDetections(photo, drawnFound, truth ?? null);
  await writeFileAtomic(join(folder, name), picture);
}

/**
 * Names of the pictures of photos, in their order, by the photos' paths in their set. Each is another: where photos have the same name but for
 * their extension, the extension stays (`a.jpg.png` and `a.png.png`), and what is still the same gets a number.
 */
export function pictureNames(photos: readonly string[]): string[] {
  const stems = photos.map(stemOf);
  const counts = new Map<string, number>();
  for (const stem of stems) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  const taken = new Set<string>();
  return photos.map((photo, i) => {
    const wanted = counts.get(stems[i]) === 1 ? stems[i] : `${stems[i]}${parse(photo).ext}`;
    let name = wanted;
    for (let n = 2; taken.has(name); n++) name = `${wanted}-${n}`;
    taken.add(name);
    return `${name}.png`;
  });
}

/** A photo's path as one name, without its extension. */
function stemOf(photo: string): string {
  const { dir, name } = parse(photo);
  return [...(dir === "" ? [] : dir.split("/")), name].join("-");
}
