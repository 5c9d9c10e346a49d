/** The photos on which encoders are looked at: some to learn from, some to be scored on, and where their objects are. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { fromTypedArray, keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { DataError } from "../base/errors.js";
import { type Report, silent } from "../base/events.js";
import { generateEmbedded } from "../data/embedded/generate.js";
import { withKnownLabels } from "../data/samples/few-labels.js";
import { openSet } from "../data/sets/registry.js";
import type { PackedDataset } from "../data/store/dataset.js";
import { openPhotos } from "../data/store/open-photos.js";
import { findMaps } from "../saliency/maps/map-files.js";
import { checkLabels, openProbeData } from "../tasks/probe/probe.js";
import { decide } from "./decisions.js";
import { type MaskReader, openObjectPhotos } from "./object-photos.js";
import { readMasks } from "./saliency-look.js";

/** Some photos of a data set. */
export interface PhotoSample {
  readonly dataset: PackedDataset;
  /** `[n]`, ascending. */
  readonly ids: Int32Array;
  /** `[n]`: positions in the classes; -1 where photos have none. */
  readonly labels: Int32Array;
}

export interface AnalysisPhotos {
  /** Absolute path. */
  readonly path: string;
  /** Empty where photos have no classes. */
  readonly classes: readonly string[];
  /** Null where photos have no classes. */
  readonly learned: PhotoSample | null;
  readonly scored: PhotoSample;
  /** Of the scored photos: float32 `[n, S, S]`, the share of each stored pixel that the object covers; null where it is unknown. */
  readonly masks: Tensor | null;
  /** Closes the photos and frees the masks. */
  close(): void;
}

/** Where the photos of an analysis come from. */
export type PhotosFrom =
  /** The set that needs no download, drawn into a folder. */
  | { readonly kind: "embedded"; readonly folder: string }
  | {
      readonly kind: "folder";
      /** A set with classes, one with objects, or photos without either. */
      readonly path: string;
      /** Folder of masks, `NAME.png` for the photo `NAME`; null takes `masks` in the set's folder, where there is one. */
      readonly masks: string | null;
    };

export interface OpenAnalysisPhotos {
  readonly from: PhotosFrom;
  /** Side of the largest encoder's pictures in pixels. */
  readonly crop: number;
  /** How many photos are learned from and scored on, at most, about; as many of each class. */
  readonly counts: { readonly train: number; readonly test: number };
  readonly seed: number;
  readonly skipBad?: boolean;
  readonly cache?: string;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Limits of the embedded set's pictures, in pixels. */
const [leastSide, mostSide] = [32, 512];

/** Opens photos. Throws UsageError, DataError, InterruptedError. */
export async function openAnalysisPhotos(options: OpenAnalysisPhotos): Promise<AnalysisPhotos> {
  const { from, crop, counts, seed, signal, report } = options;
  if (from.kind === "folder") return openFolder(from.path, from.masks, options);
  const size = Math.min(mostSide, Math.max(leastSide, crop));
  const wanted = { seed, ...counts, size, difficulty: "medium" } as const;
  const { folder } = await generateEmbedded(from.folder, wanted, { signal, report });
  return openFolder(folder, join(folder, "masks"), options);
}

interface Opened {
  /** Null where photos have no classes. */
  readonly train: PackedDataset | null;
  readonly test: PackedDataset;
  /** Null where it is not known where objects are. */
  readonly readMasks: MaskReader | null;
}

async function openFolder(
  path: string,
  masks: string | null,
  options: OpenAnalysisPhotos,
): Promise<AnalysisPhotos> {
  const opened = await openAny(path, masks, options);
  const { train, test } = opened;
  const close = () => {
    train?.close();
    test.close();
  };
  try {
    const { counts, seed } = options;
    const learned = train === null ? null : sampleOf(train, counts.train, seed);
    const scored = sampleOf(test, counts.test, seed);
    const truth = opened.readMasks === null ? null : await storedMasks(scored, opened.readMasks);
    return {
      path: test.path,
      classes: train === null ? [] : train.classes,
      ...{ learned, scored, masks: truth },
      close: () => {
        truth?.dispose();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function openAny(path: string, masks: string | null, options: OpenAnalysisPhotos): Promise<Opened> {
  const { crop, skipBad = false, seed, cache, signal, report = silent } = options;
  const open = { crop, cache, signal, report };
  const set = await openSet(path, { seed, skipBad }).then(
    (found) => found.set,
    (error: unknown) => {
      const isPlain = error instanceof DataError && ["unknown-set", "missing-set"].includes(error.code);
      if (isPlain) return null;
      throw error;
    },
  );
  if (set === null) {
    const test = await openPhotos(path, { ...open, size: "auto" });
    return { train: null, test, readMasks: maskFiles(masks, test) };
  }
  if (set.kind === "annotated") return openObjectPhotos(set, { ...open, skipBad });
  const sets = await openProbeData([path], { ...open, size: "auto", seed, skipBad });
  try {
    checkLabels(sets.train, sets.test);
    return { ...sets, readMasks: maskFiles(masks ?? usualMasks(path), sets.test) };
  } catch (error) {
    sets.train.close();
    sets.test.close();
    throw error;
  }
}

/** The embedded set has its masks there. */
function usualMasks(path: string): string | null {
  const folder = join(path, "masks");
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? folder : null;
}

function maskFiles(folder: string | null, dataset: PackedDataset): MaskReader | null {
  if (folder === null) return null;
  return async (ids) => {
    const paths: string[] = [];
    const found = await findMaps(
      folder,
      Array.from(ids, (id) => dataset.names[id]),
    );
    for (const [i, id] of ids.entries()) paths[id] = found[i];
    return readMasks(ids, paths, dataset);
  };
}

function sampleOf(dataset: PackedDataset, count: number, seed: number): PhotoSample {
  const classes = dataset.classes.length;
  const hasClasses = classes > 0 && !dataset.labels.includes(-1);
  const ids = hasClasses
    ? withKnownLabels(dataset.labels, classes, { kind: "perClass", count: Math.ceil(count / classes) }, seed)
    : decide(seed, "sample").permutation(dataset.length).slice(0, count).sort();
  return { dataset, ids, labels: Int32Array.from(ids, (id) => (hasClasses ? dataset.labels[id] : -1)) };
}

const readAtOnce = 64;

/** Masks in the size of the stored squares: `[n, S, S]`. */
async function storedMasks({ dataset, ids }: PhotoSample, read: MaskReader): Promise<Tensor> {
  const { size } = dataset;
  const parts: Tensor[] = [];
  try {
    for (let from = 0; from < ids.length; from += readAtOnce) {
      const masks = await read(ids.subarray(from, from + readAtOnce));
      for (const { pixels, height, width } of masks) {
        const resized = scope(() => {
          const mask = fromTypedArray(Float32Array.from(pixels), [1, 1, height, width]); // [1, 1, H, W]
          return mask.adaptiveAvgPool2d([size, size]).reshape([size, size]); // [S, S]
        });
        parts.push(keep(resized));
      }
    }
    return keep(noGrad(() => scope(() => ops.stack(parts)))); // [n, S, S]
  } finally {
    for (const part of parts) part.dispose();
  }
}
