/** The sides of a comparison with PyTorch, which work in turn: what they are told, how they are started and timed. */
import type { StageSeconds } from "../packages/salmask/src/base/stage-clock.js";
import { median, type Row } from "./rows.js";
import { Side } from "./side.js";

/** How the peer computes; the peers' scripts describe each way. */
export const ways = ["default", "channels last", "bfloat16", "compiled", "compiled bfloat16"] as const;
export type Way = (typeof ways)[number];

/** What a side is told when it is started. */
export interface SideTask {
  /** Which scripts work: `training-ours.ts` and `training_peer.py`, or `detect-ours.ts` and `detect_peer.py`. */
  scripts: "training" | "detect";
  /** Steps that are timed together. */
  steps: number;
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
  wanted: readonly { trainer: Trainer; task: SideTask }[],
  use: (sides: Started[]) => Promise<T>,
): Promise<T> {
  const sides: Started[] = [];
  try {
    for (const { trainer, task } of wanted) {
      const start = performance.now();
      const side = trainer === "ours" ? ourSide(task) : peerSide(task);
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
 * Times steps of the sides in turn, `[rounds][sides]`. While one side works, the others are stopped. The first `warmUps`
 * rounds are not counted; default: 1.
 */
export async function inTurn(
  sides: readonly Started[],
  { steps, rounds, warmUps = 1 }: { steps: number; rounds: number; warmUps?: number },
): Promise<StepsTiming[][]> {
  const timings: StepsTiming[][] = [];
  for (let round = 0; round < warmUps + rounds; round++) {
    const timed: StepsTiming[] = [];
    for (const { side } of sides) {
      side.resume();
      const timing: StepsTiming = JSON.parse(await side.ask(`steps ${steps}`));
      side.pause();
      timed.push(timing);
    }
    if (round >= warmUps) timings.push(timed);
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
async function fastestWay(task: SideTask, among: readonly Way[]): Promise<Way> {
  const times = new Map<Way, number>();
  let shortest = Number.POSITIVE_INFINITY;
  for (const way of among) {
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

function ourSide(task: SideTask): Side {
  return Side.typescript(new URL(`${task.scripts}-ours.ts`, import.meta.url), JSON.stringify(task));
}

function peerSide(task: SideTask): Side {
  return Side.python(new URL(`${task.scripts}_peer.py`, import.meta.url), JSON.stringify(task));
}

/** The compared sides: ours, the peer in its fastest way, and the peer with its defaults. */
export async function sidesOf<T extends SideTask>(
  task: T,
  among: readonly Way[] = ways,
): Promise<{ trainer: Trainer; task: T }[]> {
  const way = among.length === 1 ? among[0] : await fastestWay(task, among);
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
