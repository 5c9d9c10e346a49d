/**
 * From a folder of JPEGs to trained steps: images a second once training is under way, and seconds from the start of a
 * process to the end of its first step, for which ours packs all photos and the peer decodes one batch.
 */
import type { Options, Row } from "./rows.js";
import { inTurn, overModels, recipes, speedRow, withSides } from "./training.js";

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels("folder", only, async (name, tasks) => {
    const rows: Row[] = [];
    for (const recipe of recipes) {
      const task = tasks[recipe];
      const both = [
        { trainer: "ours", task },
        { trainer: "peer", task },
      ] as const;
      await withSides(both, async (sides) => {
        const timings = await inTurn(sides, { steps: task.steps, rounds });
        rows.push(speedRow(`${name}, ${recipe}`, task.steps * task.batch, timings));
        const [ours, peer] = sides.map(({ firstStep }) => firstStep);
        const what = `${name}, ${recipe}: start to first step, ${task.photos} photos`;
        rows.push({ name: what, unit: "s", ours, peer, ratio: ours / peer });
      });
    }
    return rows;
  });
}
