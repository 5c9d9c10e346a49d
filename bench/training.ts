/** The training tasks of both sides in a comparison with PyTorch. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { BackboneSpec } from "../packages/salmask/src/models/backbone.js";
import type { SideTask } from "./in-turn.js";
import { jpegPhotos } from "./photos.js";
import type { Row } from "./rows.js";

/** A network, the size of its photos and crops, and how many steps are timed together. */
export interface Model {
  arch: BackboneSpec["arch"];
  width: number;
  stem: BackboneSpec["stem"];
  crop: number;
  batch: number;
  queue: number;
  /** Side of the JPEGs in pixels. */
  photo: number;
  photos: number;
  steps: number;
}

/** The device, and the precision. */
export interface Computed {
  device: "cpu" | "cuda";
  /** Our side's precision. */
  precision: "auto" | "float32" | "bfloat16";
}

/** The networks of docs/performance.md, on which everything is measured. */
export const models: Readonly<Record<string, Model>> = {
  "ResNet-50, 224 px": {
    arch: "resnet50",
    width: 64,
    stem: "imagenet",
    crop: 224,
    batch: 16,
    queue: 65536,
    photo: 256,
    photos: 256,
    steps: 1,
  },
  "ResNet-18, 64 px": {
    arch: "resnet18",
    width: 64,
    stem: "small",
    crop: 64,
    batch: 32,
    queue: 4096,
    photo: 128,
    photos: 1024,
    steps: 1,
  },
  "ResNet-18 of width 16, 32 px": {
    arch: "resnet18",
    width: 16,
    stem: "small",
    crop: 32,
    batch: 128,
    queue: 4096,
    photo: 128,
    photos: 1024,
    steps: 8,
  },
};

const at224 = { stem: "imagenet", crop: 224, queue: 65536, photo: 256, photos: 256, steps: 1 } as const;
const at32 = { stem: "small", crop: 32, queue: 4096, photo: 128, photos: 1024, steps: 2 } as const;

/** The other architectures, of which only the step is measured. */
export const otherModels: Readonly<Record<string, Model>> = {
  "ResNet-34, 224 px": { ...at224, arch: "resnet34", width: 64, batch: 16 },
  "ResNet-101, 224 px": { ...at224, arch: "resnet101", width: 64, batch: 8 },
  "ConvNeXt-T, 224 px": { ...at224, arch: "convnext_tiny", width: 96, batch: 8 },
  "ConvNeXt-T of width 24, 32 px": { ...at32, arch: "convnext_tiny", width: 24, batch: 64 },
  "ViT-Ti/16, 224 px": { ...at224, arch: "vit_tiny", width: 192, batch: 16 },
  "ViT-S/16, 224 px": { ...at224, arch: "vit_small", width: 384, batch: 16 },
  "ViT-Ti/4, 32 px": { ...at32, arch: "vit_tiny", width: 192, batch: 64 },
};

/** `plain`: MoCo v2. `full`: also high-pass filling, masks from saliency, and a hard negative. */
export const recipes = ["plain", "full"] as const;
export type Recipe = (typeof recipes)[number];

/** `resident`: the same crops from memory in every step. `folder`: crops from JPEGs, augmented. */
export type Feed = "resident" | "folder";

export interface TrainingTask extends Model, Computed, SideTask {
  recipe: Recipe;
  feed: Feed;
  /** The folder of JPEGs. */
  folder: string;
  /** A folder for files that a side writes. */
  scratch: string;
  threads: number;
}

/**
 * Calls `use` with the fields of a task other than recipe and feed. The model's photos are drawn first and removed
 * afterwards.
 */
export async function onPhotos<T>(
  model: Model,
  computed: Computed,
  use: (task: Omit<TrainingTask, "recipe" | "feed">) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "salmask-bench-"));
  try {
    const folder = await jpegPhotos(scratch, { count: model.photos, side: model.photo });
    return await use({
      scripts: "training",
      ...model,
      ...computed,
      folder,
      scratch,
      threads: availableParallelism(),
      way: "default",
    });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Calls `measure` with the tasks of every model whose name contains `only`, on the CPU. */
export async function overModels(
  measured: Readonly<Record<string, Model>>,
  feed: Feed,
  only: string,
  measure: (name: string, tasks: Record<Recipe, TrainingTask>) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, model] of Object.entries(measured)) {
    if (!name.includes(only)) continue;
    const found = await onPhotos(model, { device: "cpu", precision: "auto" }, (task) =>
      measure(name, { plain: { ...task, feed, recipe: "plain" }, full: { ...task, feed, recipe: "full" } }),
    );
    rows.push(...found);
    console.error(`${name}: measured`);
  }
  return rows;
}
