/** The table of bench/rival, and what it says. */
import { median } from "../rows.js";
import { type SideName, sides, type Trained } from "./recipe.js";
import { welch } from "./welch.js";

/** Shares are 0 to 1. */
interface Score {
  readonly top1: number;
  /** Of an untrained encoder, the same for both sides. */
  readonly randomTop1: number;
}

/** One side's training with a seed, and the scores of its encoder. */
export interface Result extends Trained {
  readonly side: SideName;
  readonly seed: number;
  /** Seconds of the whole process. */
  readonly whole: number;
  readonly knn: Score;
  readonly linear: Score;
}

/** How many times as fast ours is to be. */
const goal = 1.5;

const measures = ["knn", "linear"] as const;
const nameOf = { ours: "ours", peer: "PyTorch", knn: "kNN", linear: "linear" } as const;
const percent = (share: number) => (100 * share).toFixed(2);

export function rivalTable(results: readonly Result[]): string {
  const head = [
    "side",
    "seed",
    "kNN %",
    "untrained",
    "linear %",
    "untrained",
    "loss",
    "steps",
    "decoding s",
    "training s",
    "process s",
  ];
  const lines = results.map(({ side, seed, knn, linear, loss, steps, decoding, training, whole }) => [
    nameOf[side],
    String(seed),
    ...[knn, linear].flatMap(({ top1, randomTop1 }) => [percent(top1), percent(randomTop1)]),
    loss.toFixed(3),
    String(steps),
    ...[decoding, training, whole].map((seconds) => seconds.toFixed(1)),
  ]);
  const cells = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  return cells.map((line) => line.map((cell, column) => cell.padStart(widths[column])).join("  ")).join("\n");
}

/** Means, differences and ratios in sentences; `isReached` is null where single runs give no interval. */
export function verdict(results: readonly Result[]): { lines: string[]; isReached: boolean | null } {
  const of = (side: SideName) => results.filter((result) => result.side === side);
  const differences = measures.map((measure) => {
    const [mine, theirs] = sides.map((side) => of(side).map((result) => 100 * result[measure].top1));
    return { measure, ...welch(mine, theirs) };
  });
  const scores = differences.map(({ measure, mean, halfWidth }) => {
    const interval =
      halfWidth === null ? "no interval from these runs" : `± ${halfWidth.toFixed(2)} (95 %, Welch)`;
    return `${nameOf[measure]}: ours minus PyTorch ${mean.toFixed(2)} points, ${interval}`;
  });
  const times = (["training", "whole"] as const).map((part) => {
    const theirs = of("peer").map((result) => result[part]);
    return { part, ratios: of("ours").map((result, i) => theirs[i] / result[part]) };
  });
  const speeds = times.map(({ part, ratios }) => {
    const each = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
    const what = part === "training" ? "training alone" : "the whole process";
    return `${what}: ours is ${median(ratios).toFixed(2)} times as fast (median of pairs: ${each})`;
  });
  const lines = [...scores, ...speeds];
  if (differences.some(({ halfWidth }) => halfWidth === null)) return { lines, isReached: null };
  const isAsGood = differences.every(({ mean, halfWidth }) => Math.abs(mean) <= (halfWidth ?? 0));
  const isFast = median(times[0].ratios) >= goal;
  const said = [
    `differences within their intervals: ${isAsGood ? "yes" : "NO"}`,
    `training at least ${goal} times as fast: ${isFast ? "yes" : "NO"}`,
  ];
  return { lines: [...lines, said.join("; ")], isReached: isAsGood && isFast };
}
