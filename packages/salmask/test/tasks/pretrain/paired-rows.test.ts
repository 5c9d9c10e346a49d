import { noGrad, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { onCpu } from "../../../src/compute/compute.js";
import { loadConfig } from "../../../src/config/load.js";
import { noisePhotos } from "../../../src/data/store/noise-photos.js";
import { PretrainTask } from "../../../src/tasks/pretrain/task.js";
import { seeViews } from "../../../src/views/see.js";
import { smallSettings } from "../../support/photos.js";

const side = 16;

/** What a run with a seed decides without its masks: initial weights, the order of photos, and the crops and colours of views. */
async function decided(settings: Record<string, unknown>, seed: number): Promise<unknown> {
  const given = {
    "saliency.source": "centre",
    "saliency.scope": "photo",
    "mask.fill": "mean",
    "mask.grid": 8,
    seed,
  };
  const config = loadConfig({ ...smallSettings, ...given, ...settings });
  const dataset = noisePhotos(24, side);
  const task = await PretrainTask.create({ config, dataset, compute: onCpu });
  try {
    return noGrad(() =>
      scope(() => {
        const ids = task.batches(1)[0];
        const { views } = seeViews(task.recipe, task.scene, { seed, epoch: 1, ids });
        return {
          weights: Object.entries(task.method.state()).map(([name, value]) => [name, value.toArray()]),
          orders: [0, 1].map((epoch) => task.batches(epoch).map((batch) => Array.from(batch))),
          views: views.map(({ draw, clean }) => ({ draw: { ...draw }, clean: clean.toArray() })),
        };
      }),
    );
  } finally {
    task.dispose();
    dataset.close();
  }
}

it("gives rows that differ in their masks alone the same weights, order and crops with the same seed, so that they are pairs", async () => {
  const rows = [
    { "mask.branch": "none", "mask.negative.count": 0 },
    { "mask.cells": "random", "mask.negative.count": 0 },
    { "mask.branch": "key", "mask.negative.count": 0 },
    { "mask.branch": "both", "saliency.shuffled": true },
    { "mask.negative.what": "background" },
  ];
  const [none, ...others] = await Promise.all(rows.map((row) => decided(row, 5)));
  for (const other of others) expect(other).toEqual(none);
  expect(await decided(rows[0], 6)).not.toEqual(none);
});
