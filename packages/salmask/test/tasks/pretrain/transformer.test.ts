import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Generator, randn, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { loadBackbone } from "../../../src/weights/files.js";
import { inputOf } from "../../../src/weights/metadata.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

it.each([
  { method: { name: "mocov2", ...smallSettings.method }, hiddenPatches: "drop" },
  { method: { name: "simclr", dim: 8 }, hiddenPatches: "mask-token" },
])(
  "trains a transformer by $method.name without showing it masked patches: $hiddenPatches, by its own attention",
  async ({ method, hiddenPatches }) => {
    const folder = await temporaryFolder();
    const photos = join(folder, "photos");
    await writePhotos(photos, 24, 16, ["a"]);
    const model = { arch: "vit_tiny", stem: "small", width: 16, positions: 4, hiddenPatches };
    const data = { ...smallSettings.data, cache: join(folder, "cache") };
    const mask = { fill: "hidden", ratio: [0.2, 0.6], negative: { count: 1 } };
    const saliency = { source: "own", warmupEpochs: 1 };
    const config = configSchema.parse({ ...smallSettings, data, method, model, mask, saliency });
    const out = join(folder, "run");
    await pretrain({ photos, out, config, resume: false });
    const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
    const logs = lines.map((line) => JSON.parse(line).logs);
    for (const { loss } of logs) expect(Number.isFinite(loss)).toBe(true);
    expect(logs[0].maskedShare).toBe(0);
    const { maskedShare, foregroundShare } = logs[logs.length - 1];
    expect(maskedShare > 0.1 && maskedShare < 0.6).toBe(true);
    expect(foregroundShare > 0 && foregroundShare < 1).toBe(true);

    const { backbone, metadata } = loadBackbone(join(out, "weights.safetensors"));
    const { fill } = inputOf(metadata);
    expect(fill.name).toBe("hidden");
    const { hiddenPatches: found = "drop", ...spec } = backbone.spec;
    const { hiddenPatches: _, ...asked } = model;
    expect([found, spec]).toEqual([hiddenPatches, asked]);
    scope(() => {
      const vectors = backbone.forward(fill.prepare(randn([2, 3, 16, 16], { generator: new Generator(1) }))); // [2, 16]
      expect(vectors.isfinite().all().item()).toBe(1);
    });
    backbone.dispose();
  },
);
