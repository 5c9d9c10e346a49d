import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, randn, scope, usesOneDnn } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { evaluateSaliency } from "../../../src/analysis/saliency-eval.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { gridFor } from "../../../src/masking/grid.js";
import { localizerWeights, openSource } from "../../../src/saliency/open.js";
import { usualThreshold } from "../../../src/saliency/settings.js";
import { temporaryFolder } from "../../support/photos.js";
import { hasShared, unpackShared } from "../../support/shared-data.js";

const record = z.object({ sha256: z.string(), command: z.string(), seed: z.int(), photos: z.string() });

describe("the localization network in the package", () => {
  it("is the file that its record describes, and has at most 8 MB", () => {
    const path = fileURLToPath(new URL("../../../weights/localizer.json", import.meta.url));
    const { sha256 } = record.parse(JSON.parse(readFileSync(path, "utf8")));
    expect(createHash("sha256").update(readFileSync(localizerWeights)).digest("hex")).toBe(sha256);
    expect(statSync(localizerWeights).size).toBeLessThan(8e6);
  });

  // Without oneDNN, layers are products of a BLAS, whose last bits depend on the number of rows.
  it.skipIf(!usesOneDnn())(
    "gives a photo the same map bit for bit, whatever photos are beside it",
    async () => {
      const source = await openSource({ source: "scda" });
      if (!("maps" in source)) throw new Error("expected a source that answers at once");
      scope(() => {
        const photos = randn([9, 3, 96, 96], { generator: new Generator(1) }); // [9, 3, 96, 96]
        const size = { rows: 28, cols: 28 };
        const together = source.maps(photos, size); // [9, 28, 28]
        for (const [from, count] of [
          [0, 1],
          [2, 4],
          [3, 6],
        ])
          expect(source.maps(photos.narrow(0, from, count), size).toFloat32Array()).toEqual(
            together.narrow(0, from, count).toFloat32Array(),
          );
      });
      await source.dispose();
    },
  );

  it.runIf(hasShared("ecssd-dev"))(
    "finds objects on photos that it was not trained on better than the middle and the spectral residual do",
    async () => {
      const set = await unpackShared("ecssd-dev", ["*/00*"]);
      const cacheDir = await temporaryFolder();
      const dataset = await openDataset(join(set, "images"), { size: 128, cacheDir });
      const score = async (source: "scda" | "centre" | "spectral-residual") => {
        const opened = await openSource({ source });
        const masks = join(set, "masks");
        const grid = gridFor(128, 32);
        const scores = { dataset, masks, source: opened, grid, threshold: usualThreshold };
        const { mae, maxF, sMeasure, iou } = await evaluateSaliency(scores);
        await opened.dispose();
        return { maxF, sMeasure, certainty: 1 - mae, iou };
      };
      const ours = await score("scda");
      for (const other of [await score("centre"), await score("spectral-residual")]) {
        expect(ours.maxF).toBeGreaterThan(other.maxF + 0.05);
        expect(ours.sMeasure).toBeGreaterThan(other.sMeasure);
        expect(ours.certainty).toBeGreaterThan(other.certainty);
      }
      dataset.close();
    },
  );
});
