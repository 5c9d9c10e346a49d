import { noGrad, scope, type Tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onCpu } from "../../../src/compute/compute.js";
import { loadConfig } from "../../../src/config/load.js";
import { noisePhotos } from "../../../src/data/store/noise-photos.js";
import { PretrainTask } from "../../../src/tasks/pretrain/task.js";
import { viewColumns } from "../../../src/tasks/pretrain/view-columns.js";
import { seeViews } from "../../../src/views/see.js";
import { smallSettings } from "../../support/photos.js";

const side = 16;
const ids = Int32Array.of(3, 0, 6, 1);

async function withTask<T>(settings: Record<string, unknown>, use: (task: PretrainTask) => T): Promise<T> {
  const config = loadConfig({ ...smallSettings, "saliency.source": "spectral-residual", ...settings });
  const dataset = noisePhotos(8, side);
  const task = await PretrainTask.create({ config, dataset, compute: onCpu });
  try {
    return noGrad(() => scope(() => use(task)));
  } finally {
    task.dispose();
    dataset.close();
  }
}

/** For pixels `[B, 3, side, side]` of two versions: `[B * grid * grid]`, the share of each cell's values that differ. */
function changedShares(a: Tensor, b: Tensor, grid: number): number[] {
  const differs = a.ne(b).to({ dtype: "float32" }).mean([1], { keepdim: true }); // [B, 1, side, side]
  return differs.adaptiveAvgPool2d([grid, grid]).toArray();
}

describe("mask.grid", () => {
  it("sets the cells of masks, maps, hard negatives and drawn views, for crops and for whole photos", async () => {
    const settings = fc.record({
      grid: fc.constantFrom(1, 2, 4, 8, 16),
      scope: fc.constantFrom("crop", "photo"),
    });
    await fc.assert(
      fc.asyncProperty(settings, async ({ grid, scope: of }) => {
        const given = {
          "mask.fill": "zero",
          "mask.grid": grid,
          "mask.ratio": [0.3, 0.6],
          "saliency.scope": of,
        };
        await withTask(given, (task) => {
          const { config, guide, recipe, scene } = task;
          const { dataset, cell, device } = scene;
          expect(cell).toBe(side / grid);
          const { views, negatives } = seeViews(recipe, scene, { seed: config.seed, epoch: 0, ids });
          const [query, key] = views;
          expect(key.foreground?.cells).toHaveLength(ids.length * grid ** 2);
          const shares = changedShares(query.masked, query.clean, grid);
          expect(shares).toEqual(Array.from(query.mask?.cells ?? []));
          const lost = changedShares(negatives?.pixels ?? key.clean, key.clean, grid);
          expect(
            lost.every((share, i) => share === 0 || (share === 1 && key.foreground?.cells[i] === 1)),
          ).toBe(true);
          expect(lost.includes(1)).toBe(true);
          const drawn = viewColumns({ dataset, guide, config, recipe, cell, device, epoch: 0, ids });
          expect(drawn.find(({ title }) => title === "its object")?.pictures[0].shape).toEqual([
            3,
            grid,
            grid,
          ]);
          expect(drawn.find(({ title }) => title === "its saliency")?.pictures[0].shape).toEqual([
            3,
            grid,
            grid,
          ]);
        });
      }),
      { numRuns: 12 },
    );
  });

  it("is refused where it does not divide the crop, and where cells are a transformer's patches", () => {
    const load = (given: Record<string, unknown>) => () => loadConfig({ ...smallSettings, ...given });
    expect(load({ "mask.grid": 6 })).toThrow("Expected a divisor of data.crop, 16 for mask.grid, got 6.");
    const transformer = {
      model: { arch: "vit_tiny", width: 24, patch: 8 },
      "mask.fill": "hidden",
      "mask.grid": 4,
    };
    expect(load(transformer)).toThrow("Expected none beside mask.fill hidden");
  });
});
