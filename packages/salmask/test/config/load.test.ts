import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { UsageError } from "../../src/base/errors.js";
import { loadConfig } from "../../src/config/load.js";
import { configSchema, pretrainSettings } from "../../src/config/schema.js";
import { toStored } from "../../src/config/stored.js";
import { valueAt } from "../../src/config/tree.js";
import { MOCO_V2_VIEW } from "../../src/views/settings.js";
import { temporaryFolder } from "../support/photos.js";
import { configsWith } from "../support/settings.js";

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

  it("options override the file, and the file overrides the base", async () => {
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
    expect(faultOf({ "train.epoch": 3 })).toContain("Did you mean train.epochs?");
    expect(faultOf({ "mask.highpass.sigma": 3 })).toContain("Did you mean mask.highPass.sigma?");
  });

  it("rejects settings of the other method", () => {
    expect(faultOf({ "method.name": "simclr", "method.queue": 9 })).toContain(
      'Expected no method.queue where method.name is "simclr", got 9.',
    );
    expect(loadConfig({ "method.name": "simclr", "method.dim": 9 }).method).toEqual({
      ...{ name: "simclr", temperature: 0.2, dim: 9 },
    });
    expect(pretrainSettings.settings().map(({ key }) => key)).toContain("method.queue");
  });

  it("lists all errors at once, each with what was expected and what it got", () => {
    const message = faultOf({
      "train.epochs": -1,
      "mask.fill": "green",
      "mask.ratio": [0.5, 0.1],
      "mask.blur.kernel": 4,
      "occlusion.name": "yolo",
      threads: 9e15,
      train: 3,
      "data.size": "large",
    });
    const expected = [
      "Expected settings that can be used in the options, got 7 faults:",
      "Expected auto or a whole number from 1 to 1024 for threads, got 9000000000000000.",
      'Expected auto or a whole number from 8 to 2048 for data.size, got "large".',
      'Expected one of none, adios, adios-s for occlusion.name, got "yolo".',
      'Expected one of high-pass, blur, mean, zero, noise, other-photo, hidden, none for mask.fill, got "green".',
      "Expected two numbers from 0 to 1, the smaller first, as 0.1,0.4 for mask.ratio, got [0.5,0.1].",
      "Expected an odd number from 1 to 1023 for mask.blur.kernel, got 4.",
      "Expected settings by name for train, got 3.",
    ];
    expect(message.split("\n  ")).toEqual(expected);
  });

  it("explains which masks and occlusions can be combined", () => {
    expect(faultOf({ "occlusion.name": "adios" })).toBe(
      "Expected none beside occlusion.name adios, which masks the query itself for mask.fill, got nothing.",
    );
  });

  it("lists the first of many errors and counts the others, for any number and length", () => {
    const many = Object.fromEntries(
      Array.from({ length: 30_000 }, (_, i) => [`${"long".repeat(i < 30 ? 99 : 1)}${i}`, i]),
    );
    const message = faultOf(many);
    expect(message).toContain("... and 29980 more");
    expect(message.length).toBeLessThan(10_000);
  });

  it("accepts no setting from names with a meaning in JavaScript", async () => {
    expect(faultOf(Object.fromEntries([["__proto__.seed", 5]]))).toContain("__proto__");
    const file = join(await temporaryFolder(), "run.yaml");
    for (const text of ["__proto__: { seed: 5 }", "mask: { __proto__: { fill: blur } }"]) {
      await writeFile(file, text);
      expect(() => loadConfig({}, { file })).toThrow("__proto__");
    }
    expect(faultOf({ "constructor.name": 5 })).toContain('got "constructor.name"');
  });

  it("the file overrides the preset, and the options override the file", async () => {
    const file = join(await temporaryFolder(), "run.yaml");
    await writeFile(file, "saliency: { scope: photo }\nseed: 3\n");
    const config = loadConfig({ seed: 4 }, { preset: "paper", file, base: { "train.optimizer": "lars" } });
    expect(config).toMatchObject({ seed: 4, saliency: { scope: "photo" }, train: { optimizer: "sgd" } });
    expect(() => loadConfig({}, { preset: "papr" })).toThrow(/got "papr".*There are: .*paper/);
    expect(() => loadConfig({}, { preset: "../../package" })).toThrow("There are:");
  });

  it("reads a file that a run wrote, including its version", async () => {
    const file = join(await temporaryFolder(), "config.yaml");
    const written = configSchema.parse({ seed: 9, train: { epochs: 2 } });
    await writeFile(file, stringify(toStored(pretrainSettings, written)));
    expect(loadConfig({}, { file })).toEqual(written);
    await writeFile(file, "version: 99\nseed: 1\n");
    expect(() => loadConfig({}, { file })).toThrow("got version 99");
  });

  it("names a file that is missing or not YAML", async () => {
    const folder = await temporaryFolder();
    expect(() => loadConfig({}, { file: join(folder, "none.yaml") })).toThrow("none.yaml");
    await writeFile(join(folder, "bad.yaml"), "a: [1");
    expect(() => loadConfig({}, { file: join(folder, "bad.yaml") })).toThrow("Expected YAML in");
  });

  it("lists every setting with a description, and each default under its key", () => {
    for (const { key, description, default: value } of pretrainSettings.settings()) {
      expect(description, key).not.toBe("");
      if (["method.name", "occlusion.name", "mask.fill", "mask.negative.count"].includes(key)) continue;
      const found = new Set(configsWith(key).map(({ config }) => JSON.stringify(valueAt(config, key))));
      if (found.size <= 1)
        expect(found.size === 0 ? undefined : valueAt(configsWith(key)[0].config, key), key).toEqual(value);
      // Where methods differ, the description has them all.
      else for (const one of found) expect(description, key).toContain(`${one} (`);
    }
  });
});
