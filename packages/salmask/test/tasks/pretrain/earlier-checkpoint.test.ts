import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSafetensors, readSafetensorsMetadata, saveSafetensors, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { configSchema } from "../../../src/config/schema.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { listCheckpoints, loadCheckpoint } from "../../../src/training/checkpoint.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";
import { failure, weightsOf } from "../../support/pretrain.js";

/** The name of a tensor in the previous format. */
function earlierName(name: string): string {
  return name
    .replace(/^task\.occlusion\./, "method.adversary.model.")
    .replace(/^optimizer\.occlusion\./, "method.adversary.optimizer.")
    .replace(/^task\./, "method.")
    .replace(/^optimizer\.encoder\./, "optimizer.");
}

/** Converts a checkpoint to the previous format, as earlier releases wrote it. */
function makeEarlier(path: string, dataFingerprint: string): void {
  scope(() => {
    const { version: _, ...config } = JSON.parse(readSafetensorsMetadata(path).position).config;
    const { step, counters, libtorch } = JSON.parse(readSafetensorsMetadata(path).position);
    const renamed = Object.entries(loadSafetensors(path)).map(
      ([name, value]) => [earlierName(name), value] as const,
    );
    const hash = createHash("sha256");
    for (const [name, value] of [...renamed].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { buffer, byteOffset, byteLength } = value.toTypedArray();
      hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    const position = { step, counters, optimizerSteps: step, config, dataFingerprint, libtorch };
    saveSafetensors(path, Object.fromEntries(renamed), {
      format: "salmask-checkpoint-1",
      position: JSON.stringify(position),
      sha256: hash.digest("hex"),
    });
  });
}

it.each([
  {
    name: "MoCo v2",
    change: {},
    parts: ["optimizer.", "method.queue", "method.saliency."],
  },
  {
    name: "ADIOS",
    change: {
      method: { name: "simclr", dim: 8 },
      occlusion: { name: "adios", masks: 2, channels: 2 },
      mask: { fill: "none" },
    },
    parts: ["optimizer.", "method.adversary.model.", "method.adversary.optimizer."],
  },
])(
  "goes on from a checkpoint of the format before, to the same weights: $name",
  async ({ change, parts }) => {
    const folder = await temporaryFolder();
    const photos = join(folder, "photos");
    await writePhotos(photos, 24, 16, ["a"]);
    const cache = join(folder, "cache");
    const config = configSchema.parse({
      ...smallSettings,
      data: { ...smallSettings.data, cache },
      train: { ...smallSettings.train, epochs: 2 },
      ...change,
    });
    const whole = { photos, out: join(folder, "whole"), config, resume: false };
    await pretrain(whole);

    const abort = new AbortController();
    const cut = { ...whole, out: join(folder, "cut") };
    await failure({
      ...cut,
      signal: abort.signal,
      report: (event) => {
        if (event.kind === "step" && event.step === 4) abort.abort();
      },
    });
    const [path, older] = listCheckpoints(join(cut.out, "checkpoints"));
    rmSync(older);
    const dataset = await openDataset(photos, { size: 16, cacheDir: cache });
    // Earlier releases recorded the files, not their pixels.
    const { sourceStamp } = dataset;
    dataset.close();
    makeEarlier(path, sourceStamp);
    const damaged = join(folder, "damaged.safetensors");
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(damaged, bytes);
    expect(() => loadCheckpoint(damaged)).toThrow("a checksum that does not match its content");
    const names = scope(() => Object.keys(loadSafetensors(path)));
    for (const part of parts)
      expect(
        names.some((name) => name.startsWith(part)),
        part,
      ).toBe(true);
    for (const part of ["task.", "optimizer.encoder."])
      expect(
        names.some((name) => name.startsWith(part)),
        part,
      ).toBe(false);
    const settings = join(cut.out, "config.yaml");
    const { version: _, ...unversioned } = parse(readFileSync(settings, "utf8"));
    writeFileSync(settings, stringify(unversioned));
    expect(new RunFolder(cut.out).readConfig()).toEqual(config);

    await pretrain({ ...cut, config: new RunFolder(cut.out).readConfig(), resume: true });
    expect(weightsOf(cut.out).equals(weightsOf(whole.out))).toBe(true);

    const [newest] = listCheckpoints(join(cut.out, "checkpoints"));
    const [before] = listCheckpoints(join(whole.out, "checkpoints"));
    using resumed = loadCheckpoint(newest);
    using straight = loadCheckpoint(before);
    expect(resumed.position.optimizerSteps).toEqual(straight.position.optimizerSteps);
  },
);
