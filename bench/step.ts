/** The step alone, on crops that are in memory: images a second beside PyTorch. */
import type { Options, Row } from "./rows.js";
import { inTurn, overModels, recipes, speedRow, withSides } from "./training.js";

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels("resident", only, async (name, tasks) => {
    const rows: Row[] = [];
    for (const recipe of recipes) {
      const task = tasks[recipe];
      const both = [
        { trainer: "ours", task },
        { trainer: "peer", task },
      ] as const;
      const timings = await withSides(both, (sides) => inTurn(sides, { steps: task.steps, rounds }));
      rows.push(speedRow(`${name}, ${recipe}`, task.steps * task.batch, timings));
    }
    return rows;
  });
}
