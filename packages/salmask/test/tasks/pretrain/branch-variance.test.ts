import { join } from "node:path";
import { scope, type Tensor, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { computeOf } from "../../../src/compute/compute.js";
import { configSchema, type RunConfig } from "../../../src/config/schema.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { branchVariance, meanVariance } from "../../../src/tasks/pretrain/branch-variance.js";
import { PretrainTask } from "../../../src/tasks/pretrain/task.js";
import type { BatchViews } from "../../../src/views/view.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

describe("meanVariance", () => {
  it("is 0 for equal views, 1 - 1 / n for n orthogonal ones, 1 for opposite ones, and the mean over photos", () => {
    const [x, y, back] = [
      [1, 0],
      [0, 1],
      [-1, 0],
    ];
    const of = (first: number[][], second: number[][]) => scope(() => meanVariance(tensor([first, second])));
    expect(of([x], [x])).toBeCloseTo(0, 6);
    expect(of([x], [y])).toBeCloseTo(0.5, 6);
    expect(of([x], [back])).toBeCloseTo(1, 6);
    expect(of([x, x], [y, back])).toBeCloseTo(0.75, 6);
  });
});

/** Calls `use` with the task of a new run on 20 photos, with saliency from the start. Returns its result. */
async function withTask<T>(
  change: Partial<Record<keyof RunConfig, object>>,
  use: (task: PretrainTask) => T,
): Promise<T> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 20, 16, ["a"]);
  const saliency = { source: "centre" };
  const config = configSchema.parse({ ...smallSettings, saliency, ...change });
  const dataset = await openDataset(join(folder, "photos"), { size: 16, cacheDir: join(folder, "cache") });
  const task = await PretrainTask.create({ config, dataset, compute: computeOf(config) });
  try {
    return use(task);
  } finally {
    task.dispose();
    dataset.close();
  }
}

const methods = [{ method: smallSettings.method }, { method: { name: "simclr", dim: 8 } }];

describe("branchVariance", () => {
  it.each(methods)(
    "leaves weights, running statistics, queue and mode as they were: $method",
    async (change) => {
      await withTask(change, (task) => {
        const state = () => scope(() => Object.values(task.method.state()).map((value) => value.toArray()));
        const before = state();
        const { query, key } = branchVariance(task);
        expect(state()).toEqual(before);
        expect(task.method.learned.training).toBe(true);
        for (const variance of [query, key]) expect(variance > 0 && variance < 1).toBe(true);
        expect(branchVariance(task)).toEqual({ query, key });
      });
    },
  );

  it("is the variance of the embeddings of eight views of sixteen photos, computed in loops", async () => {
    await withTask({}, (task) => {
      const { method } = task;
      const seen: { query: number[][]; key: number[][] }[] = [];
      const rows = (batch: Tensor) =>
        Array.from({ length: batch.shape[0] }, (_, i) => batch.select(0, i).toArray());
      const embed = (views: BatchViews) => {
        const embeddings = method.embed(views);
        seen.push({ query: rows(embeddings.query), key: rows(embeddings.key) });
        return embeddings;
      };
      const spied = new Proxy(method, {
        get: (target, name) => (name === "embed" ? embed : Reflect.get(target, name)),
      });
      const found = branchVariance({
        config: task.config,
        scene: task.scene,
        recipe: task.recipe,
        method: spied,
      });
      expect(seen.map(({ query, key }) => [query.length, key.length])).toEqual(new Array(8).fill([16, 16]));
      for (const branch of ["query", "key"] as const) {
        let sum = 0;
        for (let photo = 0; photo < 16; photo++) {
          const views = seen.map((turn) => turn[branch][photo]);
          const mean = views[0].map((_, at) => views.reduce((total, view) => total + view[at], 0) / 8);
          for (const view of views)
            sum += view.reduce((total, value, at) => total + (value - mean[at]) ** 2, 0);
        }
        expect(found[branch]).toBeCloseTo(sum / (16 * 8), 5);
      }
    });
  });

  it("changes only in the branch that is masked", async () => {
    const mask = (branch: string) => ({ fill: "mean", branch, ratio: [0.5, 0.5] });
    const of = (branch: string) => withTask({ mask: mask(branch) }, branchVariance);
    const [none, query, key] = [await of("none"), await of("query"), await of("key")];
    // Masks can make the embeddings of an untrained encoder vary more or less; the direction is random.
    expect(Math.abs(query.query / none.query - 1)).toBeGreaterThan(0.01);
    expect(query.key).toBeCloseTo(none.key, 6);
    expect(Math.abs(key.key / none.key - 1)).toBeGreaterThan(0.01);
    expect(key.query).toBeCloseTo(none.query, 6);
  });
});
