/**
 * Photos with several objects as photos with classes: each has the class of its largest object, and its mask is that of the objects
 * of this class.
 */
import { DataError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import type { AnnotatedPhoto, AnnotatedPhotos, PhotoObject } from "../data/samples/objects.js";
import { decodeMask } from "../data/samples/rle.js";
import { toMask } from "../data/samples/segmentation.js";
import type { AnnotatedSet, SplitName } from "../data/sets/data-set.js";
import { readObjects } from "../data/sets/read-objects.js";
import { openFileList } from "../data/sources/file-list.js";
import type { PackedDataset } from "../data/store/dataset.js";
import { openPhotos } from "../data/store/open-photos.js";
import { checkLabels } from "../tasks/probe/probe.js";
import type { Mask } from "./saliency-look.js";

/** Gives the masks of photos by their ids. */
export type MaskReader = (ids: Int32Array) => Promise<Mask[]>;

export interface OpenObjectPhotos {
  readonly crop: number;
  readonly skipBad: boolean;
  readonly cache?: string;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

export interface ObjectPhotos {
  readonly train: PackedDataset;
  readonly test: PackedDataset;
  readonly readMasks: MaskReader;
}

/** Opens the split to learn from and the one to be scored on. Photos without objects are left out. Throws {@link DataError}. */
export async function openObjectPhotos(set: AnnotatedSet, options: OpenObjectPhotos): Promise<ObjectPhotos> {
  const read = async (...uses: SplitName[]) => {
    const split = uses.map((use) => set.splits.find((part) => part.use === use)).find((part) => part);
    if (split === undefined) {
      const names = set.splits.map(({ name }) => name).join(", ");
      throw new DataError(
        "no-splits",
        `Expected a split for ${uses.join(" or ")} in ${set.path}, got ${names}.`,
      );
    }
    return (await readObjects(set, split.name, { skipBad: options.skipBad, signal: options.signal })).photos;
  };
  const [learned, scored] = [await read("train"), await read("test", "validation")];
  const train = await openLabelled(learned, options);
  try {
    const test = await openLabelled(scored, options);
    try {
      checkLabels(train, test);
    } catch (error) {
      test.close();
      throw error;
    }
    const byName = new Map(scored.photos.map((photo) => [photo.name, photo]));
    const readMasks: MaskReader = async (ids) =>
      Array.from(ids, (id) => maskOfClass(byName.get(test.names[id]), test.labels[id]));
    return { train, test, readMasks };
  } catch (error) {
    train.close();
    throw error;
  }
}

function openLabelled(
  { path, categories, photos }: AnnotatedPhotos,
  { crop, cache, signal, report }: OpenObjectPhotos,
): Promise<PackedDataset> {
  const files = photos.flatMap(({ name, objects }) => {
    const label = classOf(objects);
    return label === null ? [] : [{ name, label }];
  });
  const classes = categories.map(({ name }) => name);
  return openPhotos(openFileList({ path, files, classes }), { crop, size: "auto", cache, signal, report });
}

/** The category of the largest object; null where there is none that is a thing of its own. */
function classOf(objects: readonly PhotoObject[]): number | null {
  const single = objects.filter(({ isCrowd }) => !isCrowd);
  if (single.length === 0) return null;
  return single.reduce((largest, object) => (object.area > largest.area ? object : largest)).category;
}

/** The pixels of the objects of a class; those of their boxes where an object has no mask. */
function maskOfClass(photo: AnnotatedPhoto | undefined, label: number): Mask {
  if (photo === undefined) throw new Error("Expected a photo of the set, got one that is not in it.");
  const { height, width } = photo;
  const pixels = new Uint8Array(height * width);
  for (const { category, segmentation, box } of photo.objects) {
    if (category !== label) continue;
    if (segmentation === null) fillBox(pixels, width, height, box);
    else for (const [at, on] of decodeMask(toMask(segmentation, height, width)).entries()) pixels[at] |= on;
  }
  return { pixels, height, width };
}

function fillBox(pixels: Uint8Array, width: number, height: number, box: PhotoObject["box"]): void {
  const [left, top, right, bottom] = box.map(Math.round);
  for (let y = Math.max(0, top); y < Math.min(height, bottom); y++)
    pixels.fill(1, y * width + Math.max(0, left), y * width + Math.min(width, right));
}
