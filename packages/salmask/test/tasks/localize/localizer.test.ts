import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluateSaliency } from "../../../src/analysis/saliency-eval.js";
import { generateEmbedded } from "../../../src/data/embedded/generate.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { gridFor } from "../../../src/masking/grid.js";
import { openSource } from "../../../src/saliency/open.js";
import { usualThreshold } from "../../../src/saliency/settings.js";
import { trainLocalizer } from "../../../src/tasks/localize/localizer.js";
import { temporaryFolder } from "../../support/photos.js";

const small = { crop: 32, width: 4, batchSize: 8, seed: 3, epochs: 3, rounds: 2 };

async function drawings(): Promise<{ folder: string; set: string; photos: string }> {
  const folder = await temporaryFolder();
  const set = join(folder, "embedded");
  await generateEmbedded(set, { train: 40, test: 1, size: 32 });
  return { folder, set, photos: join(set, "train") };
}

describe("trainLocalizer", () => {
  it("learns to find objects, and goes on after a round as if it had not stopped", async () => {
    const { folder, set, photos } = await drawings();
    const whole = await trainLocalizer({ ...small, photos, out: join(folder, "whole.safetensors") });
    expect(whole).toMatchObject({ images: 40, rounds: 2, epochs: 3, seed: 3 });
    const parted = { ...small, photos, out: join(folder, "parted.safetensors") };
    const stop = new AbortController();
    const stopped = trainLocalizer({
      ...parted,
      signal: stop.signal,
      report: (event) => {
        if (event.kind === "note" && event.message === "round 2 of 2") stop.abort();
      },
    });
    await expect(stopped).rejects.toThrow(`Stopped after round 1 of 2, which is in ${parted.out}`);
    await expect(trainLocalizer(parted)).rejects.toMatchObject({ code: "file-taken" });
    await trainLocalizer({ ...parted, resume: true });
    expect(readFileSync(parted.out).equals(readFileSync(whole.weights))).toBe(true);

    const source = await openSource({ source: "scda", weights: whole.weights });
    const dataset = await openDataset(photos, { size: 32 });
    const masks = join(set, "masks", "train");
    const grid = gridFor(32, 8);
    const scores = await evaluateSaliency({ dataset, masks, source, grid, threshold: usualThreshold });
    await source.dispose();
    dataset.close();
    expect(scores.sMeasure).toBeGreaterThan(0.4);
  });

  it("stops when aborted, and writes nothing; and has nothing to go on from then", async () => {
    const { folder, photos } = await drawings();
    const out = join(folder, "weights.safetensors");
    const given = { ...small, photos, out };
    const stopped = trainLocalizer({ ...given, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "interrupted" });
    expect(existsSync(out)).toBe(false);
    await expect(trainLocalizer({ ...given, resume: true })).rejects.toMatchObject({
      code: "nothing-to-resume",
    });
  });
});
