/**
 * What the reducer costs: two processes with one thread each that reduce their gradients, beside two that do not know of each other.
 * ResNet-18 at 64 pixels. The pairs work in turn; of each, the slower process counts.
 */
import { freePort } from "../packages/torch/test/support/ranks.js";
import type { RankTask } from "./ranks-side.js";
import { median, type Options, type Row } from "./rows.js";
import { Side } from "./side.js";

const worldSize = 2;
const batch = 32;
const steps = 4;

const stems = ["small", "imagenet"] as const;
export type Stem = (typeof stems)[number];

/** Starts a pair, waits for its first step, and stops it until its turn. */
async function start(stem: Stem, reduces: boolean): Promise<Side[]> {
  const port = await freePort();
  const sides = Array.from({ length: worldSize }, (_, rank) => {
    const task: RankTask = { rank, worldSize, port, batch, stem, reduces };
    return Side.typescript(new URL("ranks-side.ts", import.meta.url), JSON.stringify(task));
  });
  await Promise.all(sides.map((side) => side.ask("steps 1")));
  for (const side of sides) side.pause();
  return sides;
}

/** Seconds of a step of both processes at the same time. */
async function timed(sides: readonly Side[]): Promise<number> {
  for (const side of sides) side.resume();
  const seconds = await Promise.all(sides.map((side) => side.measure(`steps ${steps}`)));
  for (const side of sides) side.pause();
  return Math.max(...seconds) / steps;
}

async function measure(stem: Stem, rounds: number): Promise<Row[]> {
  const pairs: Side[][] = [];
  try {
    for (const reduces of [true, false]) pairs.push(await start(stem, reduces));
    const [reducing, apart] = pairs;
    const times: { reducing: number; apart: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const both = { reducing: await timed(reducing), apart: await timed(apart) };
      if (round > 0) times.push(both); // the first round warms up
    }
    const row = (name: string, unit: string, of: (both: (typeof times)[number]) => number): Row => ({
      name: `${nameOf(stem)}: ${name}`,
      unit,
      ours: median(times.map(of)),
      peer: null,
      ratio: null,
    });
    return [
      row("a step with the reducer", "s", ({ reducing }) => reducing),
      row("a step without", "s", ({ apart }) => apart),
      row("overhead", "%", ({ reducing, apart }) => 100 * (reducing / apart - 1)),
    ];
  } finally {
    for (const side of pairs.flat()) side.close();
  }
}

const nameOf = (stem: Stem) =>
  `ResNet-18, ${stem} stem, 64 px, ${worldSize} processes with ${batch} photos each`;

export async function run({ only, rounds }: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const stem of stems) if (nameOf(stem).includes(only)) rows.push(...(await measure(stem, rounds)));
  return rows;
}
