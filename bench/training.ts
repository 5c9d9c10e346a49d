/** What is trained on both sides of a comparison with PyTorch, and how the sides are asked in turn. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { StageSeconds } from "../packages/salmask/src/training/stage-clock.js";
import { jpegPhotos } from "./photos.js";
import { median, type Row } from "./rows.js";
import { Side } from "./side.js";

/** A network, what it sees, and how many steps are timed at once. */
export interface Model {
  arch: "resnet18" | "resnet50";
  width: number;
  stem: "imagenet" | "small";
  crop: number;
  batch: number;
  queue: number;
  /** Side of the JPEGs in pixels. */
  photo: number;
  photos: number;
  steps: number;
}

/** What computes, and in which precision. */
export interface Computed {
  device: "cpu" | "cuda";
  /** The peer is always of float32. */
  precision: "float32" | "bfloat16";
}

const models: Record<string, Model> = {
  "ResNet-50, 224 px": {
    ...{ arch: "resnet50", width: 64, stem: "imagenet", crop: 224, batch: 16, queue: 65536 },
    ...{ photo: 256, photos: 256, steps: 1 },
  },
  "ResNet-18, 64 px": {
    ...{ arch: "resnet18", width: 64, stem: "small", crop: 64, batch: 32, queue: 4096 },
    ...{ photo: 128, photos: 1024, steps: 1 },
  },
  "ResNet-18 of width 16, 32 px": {
    ...{ arch: "resnet18", width: 16, stem: "small", crop: 32, batch: 128, queue: 4096 },
    ...{ photo: 128, photos: 1024, steps: 8 },
  },
};

/** `plain`: MoCo v2. `full`: with high-pass filling, masks by saliency, and a hard negative. */
export const recipes = ["plain", "full"] as const;
export type Recipe = (typeof recipes)[number];

/** `resident`: the same crops in memory in every step. `folder`: from JPEGs, augmented. */
export type Feed = "resident" | "folder";

export interface TrainingTask extends Model, Computed {
  recipe: Recipe;
  feed: Feed;
  /** The folder of JPEGs. */
  folder: string;
  /** A folder for what a side wants to write. */
  scratch: string;
  threads: number;
}

/** An answer to `steps N`. */
export interface StepsTiming {
  seconds: number;
  /** What the peer cannot tell apart is 0. */
  stages: StageSeconds;
}

/** Who trains: this project, or its peer in PyTorch. */
export type Trainer = "ours" | "peer";

/** A side that has done its first step, and is stopped until its turn comes. */
export interface Started {
  side: Side;
  /** Seconds from the start of the process to the end of the first step. */
  firstStep: number;
}

/** Starts the sides one after the other, and ends all when `use` is done with them. */
export async function withSides<T>(
  wanted: readonly { trainer: Trainer; task: TrainingTask }[],
  use: (sides: Started[]) => Promise<T>,
): Promise<T> {
  const sides: Started[] = [];
  try {
    for (const { trainer, task } of wanted) {
      const start = performance.now();
      const settings = JSON.stringify(task);
      const side =
        trainer === "ours"
          ? Side.typescript(new URL("training-ours.ts", import.meta.url), settings)
          : Side.python(new URL("training_peer.py", import.meta.url), settings);
      const started = { side, firstStep: 0 };
      sides.push(started);
      await side.ask("steps 1");
      started.firstStep = (performance.now() - start) / 1000;
      side.pause();
    }
    return await use(sides);
  } finally {
    for (const { side } of sides) side.close();
  }
}

/** Times steps of the sides in turn, `[rounds][sides]`; while one works, the others are stopped. The first round is not counted. */
export async function inTurn(
  sides: readonly Started[],
  { steps, rounds }: { steps: number; rounds: number },
): Promise<StepsTiming[][]> {
  const timings: StepsTiming[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const timed: StepsTiming[] = [];
    for (const { side } of sides) {
      side.resume();
      const timing: StepsTiming = JSON.parse(await side.ask(`steps ${steps}`));
      side.pause();
      timed.push(timing);
    }
    if (round > 0) timings.push(timed);
  }
  return timings;
}

/** Images a second of ours and of the peer, and the median of the rounds' ratios. */
export function speedRow(name: string, images: number, rounds: readonly (readonly StepsTiming[])[]): Row {
  return {
    ...{ name, unit: "images/s" },
    ours: median(rounds.map(([ours]) => images / ours.seconds)),
    peer: median(rounds.map(([, peer]) => images / peer.seconds)),
    ratio: median(rounds.map(([ours, peer]) => peer.seconds / ours.seconds)),
  };
}

/** Calls `use` with what a task needs beside its recipe and feed: the model's photos, drawn for it and removed after. */
export async function onPhotos<T>(
  model: Model,
  computed: Computed,
  use: (task: Omit<TrainingTask, "recipe" | "feed">) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "salmask-bench-"));
  try {
    const folder = await jpegPhotos(scratch, { count: model.photos, side: model.photo });
    return await use({ ...model, ...computed, folder, scratch, threads: availableParallelism() });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Calls `measure` with the tasks of every model whose name holds `only`, on the CPU. */
export async function overModels(
  feed: Feed,
  only: string,
  measure: (name: string, tasks: Record<Recipe, TrainingTask>) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, model] of Object.entries(models)) {
    if (!name.includes(only)) continue;
    const measured = await onPhotos(model, { device: "cpu", precision: "float32" }, (task) =>
      measure(name, { plain: { ...task, feed, recipe: "plain" }, full: { ...task, feed, recipe: "full" } }),
    );
    rows.push(...measured);
    console.error(`${name}: measured`);
  }
  return rows;
}
