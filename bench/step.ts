/** Only the step, on crops in memory: images per second compared with PyTorch in its fastest way and with its defaults. */

import { inTurn, sidesOf, speedRow, withSides } from "./in-turn.js";
import type { Options, Row } from "./rows.js";
import { models, otherModels, overModels, recipes } from "./training.js";

export function run({ only, rounds }: Options): Promise<Row[]> {
  return overModels({ ...models, ...otherModels }, "resident", only, async (name, tasks) => {
    const rows: Row[] = [];
    // What the full method adds is measured on three networks.
    for (const recipe of Object.hasOwn(otherModels, name) ? (["plain"] as const) : recipes) {
      const task = tasks[recipe];
      const all = await sidesOf(task);
      const timings = await withSides(all, (sides) => inTurn(sides, { steps: task.steps, rounds }));
      rows.push(speedRow(`${name}, ${recipe}`, task.steps * task.batch, all[1].task.way, timings));
    }
    return rows;
  });
}
