/** How each kind of file is read: by what the product's commands read it with. */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { scope } from "@salmask/torch";
import { loadSettings } from "../../packages/salmask/src/config/load.js";
import { pretrainSettings } from "../../packages/salmask/src/config/schema.js";
import { fromStored } from "../../packages/salmask/src/config/stored.js";
import { toMask } from "../../packages/salmask/src/data/samples/segmentation.js";
import { Faults } from "../../packages/salmask/src/data/sets/faults.js";
import { readObjects } from "../../packages/salmask/src/data/sets/read-objects.js";
import { openWithFaults } from "../../packages/salmask/src/data/sets/registry.js";
import { openShards } from "../../packages/salmask/src/data/shards/open-shards.js";
import { openDataset } from "../../packages/salmask/src/data/store/dataset.js";
import { PhotoLoader } from "../../packages/salmask/src/data/store/photo-loader.js";
import { readPlan } from "../../packages/salmask/src/experiment/plan.js";
import { squashToPlanes } from "../../packages/salmask/src/image/decode.js";
import { localizerCues } from "../../packages/salmask/src/saliency/networks/localizer.js";
import { detectSettings } from "../../packages/salmask/src/tasks/detect/settings.js";
import { finetuneSettings } from "../../packages/salmask/src/tasks/finetune/settings.js";
import { loadCheckpoint } from "../../packages/salmask/src/training/checkpoint.js";
import { readTransferPlan } from "../../packages/salmask/src/transfer/plan.js";
import { loadDetector } from "../../packages/salmask/src/weights/detector-files.js";
import { loadBackbone } from "../../packages/salmask/src/weights/files.js";
import { loadLocalization } from "../../packages/salmask/src/weights/localization.js";
import { highPassOf, inputOf } from "../../packages/salmask/src/weights/metadata.js";
import { readPth } from "../../packages/salmask/src/weights/pth/read.js";
import type { Kind } from "./kinds.js";

/** Reads a file completely. Gives a hash of its content where a checksum protects it. Throws where it refuses the file. */
export type Read = (path: string) => Promise<string | null>;

async function readImage(path: string): Promise<null> {
  const loader = new PhotoLoader({ root: dirname(path), names: [basename(path)], keptBytes: 0 });
  const [photo] = await loader.photos(Int32Array.of(0));
  const { data, width, height } = photo;
  if (data.length !== 3 * width * height) {
    throw new Error(`Expected ${3 * width * height} bytes of pixels, got ${data.length}.`);
  }
  await squashToPlanes(photo, 32);
  return null;
}

/** A hash of everything that a checkpoint restores. */
export function contentOfCheckpoint(path: string): string {
  return scope(() => {
    using checkpoint = loadCheckpoint(path);
    const { task, optimizers, position } = checkpoint;
    fromStored(pretrainSettings, position.config, path);
    const hash = createHash("sha256").update(JSON.stringify(position));
    for (const [part, state] of [["task", task] as const, ...Object.entries(optimizers)]) {
      for (const [name, tensor] of Object.entries(state)) {
        const data = tensor.toTypedArray();
        hash.update(JSON.stringify([part, name, tensor.dtype, tensor.shape]));
        hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
    }
    return hash.digest("hex");
  });
}

async function readTensors(path: string): Promise<string | null> {
  const [kind] = basename(path).split(".");
  if (kind === "checkpoint") return contentOfCheckpoint(path);
  return scope(() => {
    if (kind === "detector") loadDetector(path).detector.dispose();
    else if (kind === "localizer") loadLocalization(path, localizerCues).network.dispose();
    else {
      const { backbone, metadata } = loadBackbone(path);
      inputOf(metadata);
      highPassOf(metadata);
      backbone.dispose();
    }
    return null;
  });
}

async function readTar(path: string): Promise<null> {
  const dataset = await openDataset(path, { size: 16, cacheDir: join(dirname(path), "cache") });
  dataset.close();
  return null;
}

/** Reads all photos of an archive in the order of an epoch. */
async function readShard(path: string): Promise<null> {
  const dataset = await openShards(
    { path, addresses: [path] },
    { size: 16, openShards: 1, shuffleBuffer: 8, seed: 0, cacheDir: join(dirname(path), "cache") },
  );
  const { stream } = dataset;
  try {
    for (const id of stream.order({ seed: 0, epoch: 0, batchSize: 1 }))
      (await stream.follow(Int32Array.of(id), false))();
  } finally {
    await stream.settle();
    dataset.close();
  }
  return null;
}

/** The pixels of masks that a photo of this size may have before another limit, that of photos, refuses it. */
const usualPixels = 2 ** 24;

async function readSet(folder: string): Promise<null> {
  const faults = new Faults();
  const set = await openWithFaults(folder, { faults });
  if (set.kind !== "annotated") return null;
  for (const { name } of set.splits) {
    const { photos } = await readObjects(set, name, { skipBad: true });
    for (const { height, width, objects } of photos.photos) {
      if (height * width > usualPixels) continue;
      for (const { segmentation } of objects) if (segmentation !== null) toMask(segmentation, height, width);
    }
  }
  for (const { name } of set.splits) await readObjects(set, name);
  return null;
}

async function readText(path: string): Promise<null> {
  const folder = dirname(path);
  const set = dirname(folder);
  if (/^annotations$/i.test(basename(folder))) return readSet(set);
  switch (basename(path, ".yaml")) {
    case "pretrain":
      loadSettings(pretrainSettings, {}, { file: path });
      break;
    case "finetune":
      loadSettings(finetuneSettings, {}, { file: path });
      break;
    case "detect":
      loadSettings(detectSettings, {}, { file: path });
      break;
    case "experiment":
      readPlan(path);
      break;
    default:
      readTransferPlan(path);
  }
  return null;
}

async function readPthFile(path: string): Promise<null> {
  scope(() => void readPth(path));
  return null;
}

export const readers = {
  images: readImage,
  tensors: readTensors,
  pth: readPthFile,
  tars: readTar,
  shards: readShard,
  texts: readText,
} satisfies Record<Kind, Read>;
