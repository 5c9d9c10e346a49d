/** The training tasks of both sides in a comparison with PyTorch, and the timing of the sides in turn. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { StageSeconds } from "../packages/salmask/src/base/stage-clock.js";
import { jpegPhotos } from "./photos.js";
import { median, type Row } from "./rows.js";
import { Side } from "./side.js";

/** A network, the size of its photos and crops, and how many steps are timed together. */
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

/** The device, and the precision. */
export interface Computed {
  device: "cpu" | "cuda";
  /** Our side's precision. */
  precision: "auto" | "float32" | "bfloat16";
}

/** How the peer computes; `training_peer.py` describes each way. */
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

/** `plain`: MoCo v2. `full`: also high-pass filling, masks from saliency, and a hard negative. */
export const recipes = ["plain", "full"] as const;
export type Recipe = (typeof recipes)[number];

/** `resident`: the same crops from memory in every step. `folder`: crops from JPEGs, augmented. */
export type Feed = "resident" | "folder";

export interface TrainingTask extends Model, Computed {
  recipe: Recipe;
  feed: Feed;
  /** The folder of JPEGs. */
  folder: string;
  /** A folder for files that a side writes. */
  scratch: string;
  threads: number;
  /** Only for the peer. */
  way: Way;
}

/** The answer to `steps N`. */
export interface StepsTiming {
  seconds: number;
  /** Stages that the peer cannot separate are 0. */
  stages: StageSeconds;
}

/** Who trains: this project, or its peer in PyTorch. */
export type Trainer = "ours" | "peer";

/** A side that has completed its first step and is stopped until its turn. */
export interface Started {
  side: Side;
  /** Seconds from the start of the process to the end of the first step. */
  firstStep: number;
}

/** Starts the sides one after the other, and ends all of them after `use`. */
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

/**
 * Times steps of the sides in turn, `[rounds][sides]`. While one side works, the others are stopped. The first round is
 * not counted.
 */
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

/** A way is given up if its first step, or a timing, takes this many times as long as the fastest way's. */
const patience = 4;
/** Milliseconds for the first two steps of a compiled way; `torch.compile` does its work in them. */
const compilePatience = 15 * 60 * 1000;

/**
 * The peer's fastest way for a task on this machine. Each way runs alone: one step as warm-up, then the median of three
 * timings. A way is given up if its first step (of a compiled way, the third) or one of its timings takes much longer than
 * those of the fastest way so far.
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
      const best = Math.min(...times.values());
      const seconds: number[] = [];
      for (let go = 0; go < 3; go++) {
        const timing: StepsTiming = JSON.parse(await side.ask(`steps ${task.steps}`));
        seconds.push(timing.seconds);
        if (timing.seconds > patience * best) throw new Error("far slower");
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

/** The compared sides: ours, the peer in its fastest way, and the peer with its defaults. */
export async function sidesOf(task: TrainingTask): Promise<{ trainer: Trainer; task: TrainingTask }[]> {
  const way = await fastestWay(task);
  return [
    { trainer: "ours", task },
    { trainer: "peer", task: { ...task, way } },
    { trainer: "peer", task: { ...task, way: "default" } },
  ];
}

/**
 * Images per second of ours, of the peer in its fastest way, and of the peer with its defaults. Ratios are medians over
 * rounds.
 */
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
