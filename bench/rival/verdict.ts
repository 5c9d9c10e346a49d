/** The table of bench/rival, and what it says. */
import { type Estimate, pairedDifference } from "../../packages/salmask/src/base/statistics.js";
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

/** `isReached` is null where single runs give no interval. */
interface Verdict {
  readonly lines: string[];
  readonly isReached: boolean | null;
}

/** A difference of points, ours minus PyTorch, with half its 95 % interval. */
interface Difference extends Pick<Estimate, "mean" | "halfWidth"> {
  readonly measure: (typeof measures)[number];
}

const scoresOf = (results: readonly Result[], side: SideName, measure: (typeof measures)[number]) =>
  new Map(results.flatMap((one) => (one.side === side ? [[one.seed, 100 * one[measure].top1]] : [])));

const sentencesOf = (differences: readonly Difference[], test: string) =>
  differences.map(({ measure, mean, halfWidth }) => {
    const interval =
      halfWidth === null ? "no interval from these runs" : `± ${halfWidth.toFixed(2)} (95 %, ${test})`;
    return `${nameOf[measure]}: ours minus PyTorch ${mean.toFixed(2)} points, ${interval}`;
  });

const areAlike = (differences: readonly Difference[]) =>
  differences.every(({ mean, halfWidth }) => Math.abs(mean) <= (halfWidth ?? 0));

const hasNoInterval = (differences: readonly Difference[]) =>
  differences.some(({ halfWidth }) => halfWidth === null);

/** Of sides that begin with the same weights and see the same views: differences of pairs, in sentences. */
export function pairedVerdict(results: readonly Result[]): Verdict {
  const differences = measures.map((measure) => {
    const [mine, theirs] = sides.map((side) => scoresOf(results, side, measure));
    return { measure, mean: Number.NaN, halfWidth: null, ...pairedDifference(mine, theirs) };
  });
  const lines = sentencesOf(differences, "pairs");
  if (hasNoInterval(differences)) return { lines, isReached: null };
  const isReached = areAlike(differences);
  return { lines: [...lines, `differences within their intervals: ${isReached ? "yes" : "NO"}`], isReached };
}

/** Means, differences and ratios in sentences. */
export function verdict(results: readonly Result[]): Verdict {
  const of = (side: SideName) => results.filter((result) => result.side === side);
  const differences = measures.map((measure) => {
    const [mine, theirs] = sides.map((side) => [...scoresOf(results, side, measure).values()]);
    return { measure, ...welch(mine, theirs) };
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
  const lines = [...sentencesOf(differences, "Welch"), ...speeds];
  if (hasNoInterval(differences)) return { lines, isReached: null };
  const isAsGood = areAlike(differences);
  const isFast = median(times[0].ratios) >= goal;
  const said = [
    `differences within their intervals: ${isAsGood ? "yes" : "NO"}`,
    `training at least ${goal} times as fast: ${isFast ? "yes" : "NO"}`,
  ];
  return { lines: [...lines, said.join("; ")], isReached: isAsGood && isFast };
}
