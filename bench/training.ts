/** What is trained on both sides of a comparison with PyTorch, and how the sides are asked in turn. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { StageSeconds } from "../packages/salmask/src/base/stage-clock.js";
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
  /** Ours. */
  precision: "auto" | "float32" | "bfloat16";
}

/** How the peer is computed; `training_peer.py` says what each is. */
export const ways = ["default", "channels last", "bfloat16", "compiled", "compiled bfloat16"] as const;
export type Way = (typeof ways)[number];

const models: Record<string, Model> = {
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
  /** Of the peer alone. */
  way: Way;
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
          : peerSide(task);
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

/** Times as long as the fastest way's first step that another's may take before it is given up. */
const patience = 4;
/** Milliseconds that a compiled way's first two steps may take; `torch.compile` does its work in them. */
const compilePatience = 15 * 60 * 1000;

/**
 * The way in which the peer is fastest at a task on this machine: each that works does its steps by itself, after one that warms
 * it up, and the median of three goes counts. A way is given up if its first step takes far longer than the others'; of a compiled
 * way, that is its third.
 */
export async function fastestWay(task: TrainingTask): Promise<Way> {
  const times = new Map<Way, number>();
  let shortest = Number.POSITIVE_INFINITY;
  for (const way of ways) {
    const side = peerSide({ ...task, way });
    try {
      if (way.startsWith("compiled")) await side.ask("steps 2", compilePatience);
      const start = performance.now();
      await side.ask("steps 1", patience * shortest);
      shortest = Math.min(shortest, performance.now() - start);
      const seconds: number[] = [];
      for (let go = 0; go < 3; go++) {
        const timing: StepsTiming = JSON.parse(await side.ask(`steps ${task.steps}`));
        seconds.push(timing.seconds);
      }
      times.set(way, median(seconds));
      console.error(`PyTorch, ${way}: ${median(seconds).toPrecision(3)} s`);
    } catch {
      console.error(`PyTorch, ${way}: not usable, or far slower`);
    } finally {
      side.close();
    }
  }
  const [fastest] = [...times].toSorted(([, a], [, b]) => a - b);
  return fastest?.[0] ?? "default";
}

function peerSide(task: TrainingTask): Side {
  return Side.python(new URL("training_peer.py", import.meta.url), JSON.stringify(task));
}

/** What is compared: ours, the peer in its fastest way, and the peer as its defaults are. */
export async function sidesOf(task: TrainingTask): Promise<{ trainer: Trainer; task: TrainingTask }[]> {
  const way = await fastestWay(task);
  return [
    { trainer: "ours", task },
    { trainer: "peer", task: { ...task, way } },
    { trainer: "peer", task: { ...task, way: "default" } },
  ];
}

/** Images a second of ours, of the peer at its best, and of the peer by default; ratios are the medians of the rounds'. */
export function speedRow(
  name: string,
  images: number,
  best: Way,
  rounds: readonly (readonly StepsTiming[])[],
): Row {
  const speed = (side: number) => median(rounds.map((timed) => images / timed[side].seconds));
  const ratio = (side: number) => median(rounds.map((timed) => timed[side].seconds / timed[0].seconds));
  return {
    name,
    unit: "images/s",
    ours: speed(0),
    peer: speed(1),
    ratio: ratio(1),
    won: best,
    plain: speed(2),
    plainRatio: ratio(2),
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
    return await use({
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

/** Calls `measure` with the tasks of every model whose name holds `only`, on the CPU. */
export async function overModels(
  feed: Feed,
  only: string,
  measure: (name: string, tasks: Record<Recipe, TrainingTask>) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, model] of Object.entries(models)) {
    if (!name.includes(only)) continue;
    const measured = await onPhotos(model, { device: "cpu", precision: "auto" }, (task) =>
      measure(name, { plain: { ...task, feed, recipe: "plain" }, full: { ...task, feed, recipe: "full" } }),
    );
    rows.push(...measured);
    console.error(`${name}: measured`);
  }
  return rows;
}
