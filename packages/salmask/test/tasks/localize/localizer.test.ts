import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromTypedArray, KeyedRandom, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { evaluateSaliency } from "../../../src/analysis/saliency-eval.js";
import { generateEmbedded } from "../../../src/data/embedded/generate.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { gridFor } from "../../../src/masking/grid.js";
import { openSource } from "../../../src/saliency/open.js";
import { paperThreshold } from "../../../src/saliency/settings.js";
import { correlationLoss } from "../../../src/tasks/localize/correlation-loss.js";
import { trainLocalizer } from "../../../src/tasks/localize/localizer.js";
import { temporaryFolder } from "../../support/photos.js";

describe("correlationLoss", () => {
  it("is one minus Pearson's correlation, for any scale and offset of a map", () => {
    const random = new KeyedRandom(0, 1);
    const [a, b] = [0, 1].map(() => Array.from({ length: 24 }, () => random.uniform()));
    const pearson = (x: number[], y: number[]) => {
      const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const [mx, my] = [mean(x), mean(y)];
      const product = mean(x.map((value, i) => (value - mx) * (y[i] - my)));
      const deviation = (values: number[], m: number) => Math.sqrt(mean(values.map((v) => (v - m) ** 2)));
      return product / (deviation(x, mx) * deviation(y, my));
    };
    const expected = 1 - (pearson(a.slice(0, 12), b.slice(0, 12)) + pearson(a.slice(12), b.slice(12))) / 2;
    scope(() => {
      const [maps, targets] = [a, b].map((x) => fromTypedArray(Float32Array.from(x), [2, 3, 4]));
      expect(correlationLoss(maps, targets).item()).toBeCloseTo(expected, 4);
      expect(correlationLoss(maps.mul(7).add(3), targets).item()).toBeCloseTo(expected, 4);
      expect(correlationLoss(maps.mul(0), targets).item()).toBeCloseTo(1, 6);
    });
  });
});

const small = { crop: 32, width: 4, batchSize: 16, epochs: 1 };

describe("trainLocalizer", () => {
  it("learns to find objects, reproducibly, and writes weights for SCDA", async () => {
    const folder = await temporaryFolder();
    const set = join(folder, "embedded");
    await generateEmbedded(set, { train: 96, test: 1, size: 32 });
    const train = async (name: string, epochs: number) => {
      const out = join(folder, name);
      return trainLocalizer({ ...small, photos: join(set, "train"), out, seed: 3, epochs });
    };
    const short = await train("short.safetensors", 1);
    const long = await train("long.safetensors", 4);
    expect(long).toMatchObject({ images: 96, epochs: 4, seed: 3 });
    expect(long.loss).toBeLessThan(short.loss);
    const again = await train("again.safetensors", 1);
    expect(readFileSync(again.weights).equals(readFileSync(short.weights))).toBe(true);

    const source = await openSource({ source: "scda", weights: long.weights });
    const dataset = await openDataset(join(set, "train"), { size: 32 });
    const masks = join(set, "masks", "train");
    const grid = gridFor(32, 8);
    const scores = await evaluateSaliency({ dataset, masks, source, grid, threshold: paperThreshold });
    await source.dispose();
    dataset.close();
    expect(scores.sMeasure).toBeGreaterThan(0.4);
  });

  it("stops when aborted, and writes nothing", async () => {
    const folder = await temporaryFolder();
    const set = join(folder, "embedded");
    await generateEmbedded(set, { train: 64, test: 1, size: 32 });
    const out = join(folder, "weights.safetensors");
    const signal = AbortSignal.abort();
    await expect(trainLocalizer({ ...small, photos: join(set, "train"), out, signal })).rejects.toMatchObject(
      { code: "interrupted" },
    );
    expect(existsSync(out)).toBe(false);
  });
});
