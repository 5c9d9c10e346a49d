import { join } from "node:path";
import { KeyedRandom, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { StageClock } from "../../src/base/stage-clock.js";
import { computeOf } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import { openDataset } from "../../src/data/store/dataset.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import { maskCrops } from "../../src/masking/mask.js";
import { mixedVersions, plainVersion } from "../../src/ssl/versions.js";
import { PretrainTask } from "../../src/tasks/pretrain/task.js";
import { ReadAtOnce } from "../../src/training/loss-watch.js";
import { trainStep } from "../../src/training/step.js";
import { wholeView } from "../../src/views/draw.js";
import type { View } from "../../src/views/view.js";
import { crops, equal, grid, ids, key } from "../masking/crops.js";
import { smallSettings, temporaryFolder, writePhotos } from "../support/photos.js";

const clock = new StageClock();
const { mask } = configSchema.parse({ mask: { fill: "other-photo", cells: "random" } });

/** A view of five crops whose masked cells show another crop; half of the cells of each are masked. */
function mixedView(): View {
  const fill = fillOf(mask);
  const clean = crops(3); // [5, 3, 32, 32]
  const maskKey = { ...key, view: 0 };
  const how = { fill, cells: "random", grid, role: "positive", ratio: [0.375, 0.375] } as const;
  const { pixels, draw } = maskCrops(clean, null, maskKey, how);
  const sizes = new Int32Array(20).fill(32);
  const partners = fill.partners?.(maskKey);
  return { clean, masked: pixels, draw: wholeView(ids, sizes, 32), foreground: null, mask: draw, partners };
}

/** Any loss that compares row i of the sources with target i; here, of random linear embeddings. */
function lossOf(source: Tensor): number {
  const values = source.flatten({ startDim: 1 }).toArray();
  const size = values.length / ids.length;
  return ids.reduce((sum, _, row) => sum + rowLoss(values.slice(row * size, (row + 1) * size), row), 0);
}

function rowLoss(pixels: readonly number[], target: number): number {
  const random = new KeyedRandom(17, target);
  return pixels.reduce((sum, value) => sum + value * random.normal(), 0) ** 2 / ids.length;
}

describe("mixedVersions", () => {
  it("weights a mixed view's losses against both photos' targets by their shares, and adds that of the whole view", () => {
    scope(() => {
      const view = mixedView();
      const versions = mixedVersions([view]);
      const ours = versions.reduce((sum, { sources, weight }) => sum + weight * lossOf(sources()[0]), 0);
      // MixMask: L(x, x) + share L(mixed, own) + (1 - share) L(mixed, other), row by row.
      const masked = view.masked.flatten({ startDim: 1 }).toArray();
      const size = masked.length / ids.length;
      const partners = Array.from(view.partners ?? []);
      const mixed = partners.reduce((sum, partner, row) => {
        const pixels = masked.slice(row * size, (row + 1) * size);
        return sum + 0.625 * rowLoss(pixels, row) + 0.375 * rowLoss(pixels, partner);
      }, 0);
      expect(ours / (lossOf(view.clean) + mixed)).toBeCloseTo(1, 5);
      expect(versions.map(({ weight }) => weight)).toEqual([1, 0.625, 0.375]);
    });
  });

  it("shows each photo in the row of its partner where it fills masked cells", () => {
    scope(() => {
      const view = mixedView();
      const [, own, other] = mixedVersions([view]).map(({ sources }) => sources()[0]);
      expect(equal(own, view.masked)).toBe(true);
      const isOwn = own.eq(view.clean).to({ dtype: "float32" }).mean([1, 2, 3]).toArray();
      const isOther = other.eq(view.clean).to({ dtype: "float32" }).mean([1, 2, 3]).toArray();
      expect(isOwn).toEqual(ids.map(() => 0.625));
      expect(isOther).toEqual(ids.map(() => 0.375));
    });
  });

  it("leaves views beside it that show no other photo as they are", () => {
    scope(() => {
      const view = mixedView();
      const { partners, ...small } = { ...mixedView(), masked: crops(8), clean: crops(9), mask: null };
      expect(partners).toBeDefined();
      const versions = mixedVersions([view, small]);
      expect(versions.map(({ weight }) => weight)).toEqual([1, 0.625, 0.375]);
      expect(versions.map(({ sources }) => sources()[1])).toEqual([small.clean, small.masked, small.masked]);
    });
  });

  it("is the plain version for views whose cells show no other photo", () => {
    scope(() => {
      const { partners, ...plain } = mixedView();
      expect(partners).toBeDefined();
      for (const versions of [mixedVersions([plain]), plainVersion([plain])]) {
        expect(versions.map(({ sources, weight }) => [sources(), weight])).toEqual([[[plain.masked], 1]]);
      }
    });
  });
});

describe("a run whose masked cells show another photo", () => {
  const methods = [smallSettings.method, { name: "simclr", dim: 8, temperature: 0.2 }];

  it.each(methods)("has MixMask's three losses, or with loss own that of any fill: %j", async (method) => {
    const folder = await temporaryFolder();
    await writePhotos(join(folder, "photos"), 8, 16, ["a"]);
    const dataset = await openDataset(join(folder, "photos"), { size: 16, cacheDir: join(folder, "cache") });
    try {
      const lossesOf = async (otherPhotoLoss?: "own") => {
        const given = { fill: "other-photo", ratio: [0.5, 0.5], cells: "random", otherPhotoLoss };
        const config = configSchema.parse({ ...smallSettings, method, mask: given });
        const task = await PretrainTask.create({ config, dataset, compute: computeOf(config) });
        try {
          const [ids] = task.batches(0);
          const progress = { step: 0, epoch: 0, stepsPerEpoch: 1, epochs: 1 };
          trainStep(task, ids, progress, { logged: true, losses: new ReadAtOnce() });
          return scope(() => {
            const batch = task.see(ids, progress, clock);
            const [encoder] = task.learners;
            const [first] = task.method.sources(batch.seen.views);
            const alone = batch.compare([first.masked]).loss.item();
            return { losses: Array.from(encoder.losses(batch), ({ loss }) => loss.item()), alone };
          });
        } finally {
          task.dispose();
        }
      };
      const mixed = await lossesOf();
      expect(mixed.losses).toHaveLength(3);
      // The weight of a mixed view's own target is its visible half.
      expect(mixed.losses[1]).toBeCloseTo(mixed.alone / 2, 4);
      const own = await lossesOf("own");
      expect(own.losses).toHaveLength(1);
      expect(own.losses[0]).toBeCloseTo(own.alone, 5);
    } finally {
      dataset.close();
    }
  });
});
