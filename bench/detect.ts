/**
 * A training step of detectors on photos in memory: images per second compared with torchvision's detectors in their
 * fastest way and with its defaults, and the peak resident memory of each side. All sides work in turn, so that the ways
 * need no search of their own.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { detectors, photosPerStep, prepare } from "./detectors.js";
import { inTurn, type Started, type StepsTiming, speedRow, type Way, withSides } from "./in-turn.js";
import { median, type Options, type Row } from "./rows.js";

/** The answer to `sampled`: the proposals that the last step learned from, and those of them that show objects. */
export interface SampledRegions {
  readonly regions: number;
  readonly objects: number;
}

/** The peer's ways that are measured; the first is the default. */
const peers: readonly Way[] = ["default", "channels last"];

export async function run({ only, rounds }: Options): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, kind] of Object.entries(detectors)) {
    if (!name.includes(only)) continue;
    const folder = await mkdtemp(join(tmpdir(), "salmask-bench-"));
    try {
      const task = await prepare(kind, { folder, threads: availableParallelism() });
      const ours = { trainer: "ours" as const, task };
      const wanted = [ours, ...peers.map((way) => ({ trainer: "peer" as const, task: { ...task, way } }))];
      rows.push(
        ...(await withSides(wanted, async (sides) => {
          // A step takes seconds: the one with which a side starts is warm-up enough.
          const timings = await inTurn(sides, { steps: task.steps, rounds, warmUps: 0 });
          return rowsOf(name, timings, await peaksOf(name, sides));
        })),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return rows;
}

/** The peak memory of each side, MiB. Prints how much each had to do, which depends on what it proposed. */
async function peaksOf(name: string, sides: readonly Started[]): Promise<number[]> {
  const peaks: number[] = [];
  for (const [i, { side }] of sides.entries()) {
    side.resume();
    const { regions, objects }: SampledRegions = JSON.parse(await side.ask("sampled"));
    console.error(`${name}, ${["ours", ...peers][i]}: ${regions} regions, ${objects} of them show objects`);
    peaks.push(await side.measure("memory"));
    side.pause();
  }
  return peaks;
}

function rowsOf(name: string, timings: readonly (readonly StepsTiming[])[], peaks: readonly number[]): Row[] {
  const secondsOf = (place: number) => median(timings.map((timed) => timed[place].seconds));
  const places = peers.map((_, i) => i + 1);
  const [best] = places.toSorted((a, b) => secondsOf(a) - secondsOf(b));
  const byDefault = 1;
  const won = peers[best - 1];
  const speeds = timings.map((timed) => [timed[0], timed[best], timed[byDefault]]);
  const [ours] = peaks;
  return [
    speedRow(name, photosPerStep, won, speeds),
    {
      name,
      unit: "MiB at most",
      ours,
      peer: peaks[best],
      ratio: ours / peaks[best],
      won,
      plain: peaks[byDefault],
      plainRatio: ours / peaks[byDefault],
    },
  ];
}
