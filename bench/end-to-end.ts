/**
 * From a folder of JPEGs to trained steps: images a second once training is under way, what the full method costs beside
 * the plain one, where the time goes, and seconds from the start of a process to the end of its first step, for which
 * ours packs all photos and maps their saliency, and the peer decodes one batch.
 */
import { stages } from "../packages/salmask/src/training/stage-clock.js";
import { median, type Options, type Row } from "./rows.js";
import { inTurn, overModels, recipes, type StepsTiming, speedRow, withSides } from "./training.js";

const besideNetwork = ["data", "augmentation", "saliency", "masking"];

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels("folder", only, (name, tasks) => {
    const wanted = recipes.flatMap((recipe) => [
      { trainer: "ours" as const, task: tasks[recipe] },
      { trainer: "peer" as const, task: tasks[recipe] },
    ]);
    return withSides(wanted, async (sides) => {
      const { steps, batch, photos } = tasks.plain;
      const timings = await inTurn(sides, { steps, rounds });
      const row = (what: string, unit: string, [ours, peer]: number[]): Row => ({
        ...{ name: `${name}, ${what}`, unit, ours, peer, ratio: peer === 0 ? null : ours / peer },
      });
      const rows = recipes.flatMap((recipe, i) => {
        const pairs = timings.map((timed) => timed.slice(2 * i, 2 * i + 2));
        const shares = (of: readonly string[]) =>
          [0, 1].map((trainer) => median(pairs.map((pair) => shareOf(pair[trainer], of))));
        return [
          speedRow(`${name}, ${recipe}`, steps * batch, pairs),
          row(
            `${recipe}: start to first step, ${photos} photos`,
            "s",
            sides.slice(2 * i, 2 * i + 2).map(({ firstStep }) => firstStep),
          ),
          row(`${recipe}: data to masking`, "% of step", shares(besideNetwork)),
          ...stages.map((stage) => row(`${recipe}: ${stage}`, "% of step", shares([stage]))),
        ];
      });
      const cost = [0, 1].map((trainer) =>
        median(timings.map((timed) => timed[2 + trainer].seconds / timed[trainer].seconds)),
      );
      return [...rows, row("full beside plain", "x time", cost)];
    });
  });
}

/** Percent of the time. The peer does not tell all stages apart. */
function shareOf({ seconds, stages: spent }: StepsTiming, which: readonly string[]): number {
  const wanted = Object.entries(spent).filter(([stage]) => which.includes(stage));
  return (100 * wanted.reduce((sum, [, value]) => sum + value, 0)) / seconds;
}
