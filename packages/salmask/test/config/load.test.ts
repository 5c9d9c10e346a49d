import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { loadConfig } from "../../src/config/load.js";
import { configSchema, settings } from "../../src/config/schema.js";
import { MOCO_V2_VIEW } from "../../src/views/index.js";
import { temporaryFolder } from "../support/photos.js";

function faultOf(options: Record<string, unknown>): string {
  try {
    loadConfig(options);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("expected a UsageError");
}

describe("loadConfig", () => {
  it("has the paper's settings as its defaults", () => {
    const config = loadConfig({});
    expect(config.augment).toEqual(MOCO_V2_VIEW);
    expect(config.mask).toEqual({
      ...{ fill: "high-pass", branch: "query", cells: "saliency", ratio: [0.05, 0.25] },
      negative: { weight: 2, count: 1, ratio: [0.4, 0.7], of: "own" },
      highPass: { kernel: 11, sigma: 5, noise: [0.18, 0.14], focal: 0.2, channelwise: 0.7 },
      blur: { kernel: 31, sigma: 10 },
    });
    expect(config.method).toMatchObject({ queue: 65536, momentum: 0.999, temperature: 0.2, dim: 128 });
    expect(config.train).toMatchObject({ epochs: 200, weightDecay: 1e-4, momentum: 0.9 });
  });

  it("lets options win over the file, and the file over the base", async () => {
    const file = join(await temporaryFolder(), "run.yaml");
    await writeFile(file, "train:\n  epochs: 7\n  batchSize: 9\nmask: { fill: blur }\n");
    const config = loadConfig(
      { "train.epochs": 3 },
      { file, base: { "train.batchSize": 4, "train.keep": 5 } },
    );
    expect(config.train).toMatchObject({ epochs: 3, batchSize: 9, keep: 5 });
    expect(config.mask.fill).toBe("blur");
  });

  it("refuses an unknown key with the nearest known one", () => {
    expect(faultOf({ "train.epoch": 3 })).toContain("did you mean train.epochs?");
    expect(faultOf({ "mask.highpass.sigma": 3 })).toContain("did you mean mask.highPass.sigma?");
  });

  it("refuses what the other method has and this one has not", () => {
    expect(faultOf({ "method.name": "simclr", "method.queue": 9 })).toContain(
      "method.queue: simclr has no such setting",
    );
    expect(loadConfig({ "method.name": "simclr", "method.dim": 9 }).method).toEqual({
      ...{ name: "simclr", temperature: 0.2, dim: 9 },
    });
    expect(settings().map(({ key }) => key)).toContain("method.queue");
  });

  it("lists all faults at once, each with what came", () => {
    const message = faultOf({
      "train.epochs": -1,
      "mask.fill": "green",
      "mask.ratio": [0.5, 0.1],
      "train.epoch": 1,
    });
    expect(message).toContain("train.epochs");
    expect(message).toContain('"green" came');
    expect(message).toContain("smaller number first");
    expect(message).toContain("did you mean train.epochs?");
  });

  it("names a file that is missing or no YAML", async () => {
    const folder = await temporaryFolder();
    expect(() => loadConfig({}, { file: join(folder, "none.yaml") })).toThrow("none.yaml");
    await writeFile(join(folder, "bad.yaml"), "a: [1");
    expect(() => loadConfig({}, { file: join(folder, "bad.yaml") })).toThrow("is not YAML");
  });

  it("lists every setting with a description, and each default under its key", () => {
    const defaults = configSchema.parse({});
    for (const { key, description, default: value } of settings()) {
      expect(description, key).not.toBe("");
      const found = key.split(".").reduce<unknown>((tree, part) => Reflect.get(Object(tree), part), defaults);
      expect(found, key).toEqual(value);
    }
  });
});
