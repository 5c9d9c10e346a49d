/** Peak resident memory of a process that trains from a folder of JPEGs, without the peer's two data loader workers. */

import { inTurn, withSides } from "./in-turn.js";
import type { Options, Row } from "./rows.js";
import { models, overModels, recipes } from "./training.js";

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels(models, "folder", only, async (name, tasks) => {
    const rows: Row[] = [];
    for (const recipe of recipes) {
      const task = tasks[recipe];
      const peaks: number[] = [];
      for (const trainer of ["ours", "peer"] as const) {
        await withSides([{ trainer, task }], async (sides) => {
          await inTurn(sides, { steps: task.steps, rounds });
          const [{ side }] = sides;
          side.resume();
          peaks.push(await side.measure("memory"));
        });
      }
      const [ours, peer] = peaks;
      rows.push({ name: `${name}, ${recipe}`, unit: "MiB at most", ours, peer, ratio: ours / peer });
    }
    return rows;
  });
}
