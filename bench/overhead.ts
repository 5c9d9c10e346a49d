/** What a step from a folder of JPEGs spends besides its network, and what the full method costs beside the plain one. */
import { stages } from "../packages/salmask/src/train/stage-clock.js";
import { median, type Options, type Row } from "./rows.js";
import { inTurn, overModels, recipes, type StepsTiming, withSides } from "./training.js";

const besideNetwork = ["data", "augmentation", "saliency", "masking"] as const;

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels("folder", only, (name, tasks) => {
    const all = recipes.flatMap((recipe) => [
      { trainer: "ours" as const, task: tasks[recipe] },
      { trainer: "peer" as const, task: tasks[recipe] },
    ]);
    return withSides(all, async (sides) => {
      const timings = await inTurn(sides, { steps: tasks.plain.steps, rounds });
      const costs = [0, 1].map((trainer) =>
        median(timings.map((timed) => timed[2 + trainer].seconds / timed[trainer].seconds)),
      );
      const shares = (recipe: number, stagesOf: readonly string[]) =>
        [0, 1].map((trainer) =>
          median(timings.map((timed) => shareOf(timed[2 * recipe + trainer], stagesOf))),
        );
      const row = (what: string, unit: string, [ours, peer]: number[]): Row => ({
        ...{ name: `${name}, ${what}`, unit, ours, peer, ratio: ours / peer },
      });
      return [
        row("full beside plain", "x time", costs),
        ...recipes.flatMap((recipe, i) => [
          row(`${recipe}: data to masking`, "% of step", shares(i, besideNetwork)),
          ...stages.map((stage) => row(`${recipe}: ${stage}`, "% of step", shares(i, [stage]))),
        ]),
      ];
    });
  });
}

/** Percent of the time; a peer does not tell all stages apart. */
function shareOf({ seconds, stages: spent }: StepsTiming, which: readonly string[]): number {
  const wanted = Object.entries(spent).filter(([stage]) => which.includes(stage));
  return (100 * wanted.reduce((sum, [, value]) => sum + value, 0)) / seconds;
}
