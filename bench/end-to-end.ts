/**
 * Training from a folder of JPEGs: images per second during training, the cost of the full method compared with the
 * plain one, the time per stage, and the seconds from the start of a process to the end of its first step. In that time
 * ours packs all photos, while the peer decodes one batch. The peer is PyTorch in its fastest way, and also with its
 * defaults.
 */
import { stages } from "../packages/salmask/src/base/stage-clock.js";
import { inTurn, type StepsTiming, sidesOf, speedRow, withSides } from "./in-turn.js";
import { median, type Options, type Row } from "./rows.js";
import { models, overModels, recipes } from "./training.js";

/** Ours, the peer in its fastest way, the peer with its defaults. */
const perRecipe = 3;

const besideNetwork = ["data", "augmentation", "saliency", "masking"];

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels(models, "folder", only, async (name, tasks) => {
    // One after the other, because both are measured.
    const wanted = [...(await sidesOf(tasks.plain)), ...(await sidesOf(tasks.full))];
    return withSides(wanted, async (sides) => {
      const { steps, batch, photos } = tasks.plain;
      const timings = await inTurn(sides, { steps, rounds });
      const row = (what: string, unit: string, [ours, peer]: number[]): Row => ({
        name: `${name}, ${what}`,
        unit,
        ours,
        peer,
        ratio: peer === 0 ? null : ours / peer,
      });
      const rows = recipes.flatMap((recipe, i) => {
        const pairs = timings.map((timed) => timed.slice(perRecipe * i, perRecipe * (i + 1)));
        const shares = (of: readonly string[]) =>
          [0, 1].map((trainer) => median(pairs.map((pair) => shareOf(pair[trainer], of))));
        return [
          speedRow(`${name}, ${recipe}`, steps * batch, wanted[perRecipe * i + 1].task.way, pairs),
          row(
            `${recipe}: start to first step, ${photos} photos`,
            "s",
            sides.slice(perRecipe * i, perRecipe * i + 2).map(({ firstStep }) => firstStep),
          ),
          row(`${recipe}: data to masking`, "% of step", shares(besideNetwork)),
          ...stages.map((stage) => row(`${recipe}: ${stage}`, "% of step", shares([stage]))),
        ];
      });
      const cost = [0, 1].map((trainer) =>
        median(timings.map((timed) => timed[perRecipe + trainer].seconds / timed[trainer].seconds)),
      );
      return [...rows, row("full beside plain", "x time", cost)];
    });
  });
}

/** Percent of the time. The peer does not report all stages separately. */
function shareOf({ seconds, stages: spent }: StepsTiming, which: readonly string[]): number {
  const wanted = Object.entries(spent).filter(([stage]) => which.includes(stage));
  return (100 * wanted.reduce((sum, [, value]) => sum + value, 0)) / seconds;
}
