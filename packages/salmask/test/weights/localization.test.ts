import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Generator, saveSafetensors, scope, zeros } from "@salmask/torch";
import { expect, it } from "vitest";
import { LocalizationNetwork } from "../../src/models/localization-network.js";
import { createBackbone } from "../../src/models/registry.js";
import { openSource } from "../../src/saliency/open.js";
import { loadBackbone, saveBackbone } from "../../src/weights/files.js";
import { isLocalizationFile, loadLocalization, saveLocalization } from "../../src/weights/localization.js";
import { temporaryFolder } from "../support/photos.js";

const backbone = { arch: "resnet18", stem: "imagenet", width: 4 } as const;
const spec = { backbone, channels: 6, cues: 2 } as const;

it("comes back as it was written, and its encoder can be read alone", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using network = new LocalizationNetwork(spec, new Generator(1));
  saveLocalization(path, { network, side: 48, rounds: 2 });
  expect(isLocalizationFile(path)).toBe(true);
  const { network: read, side, rounds } = loadLocalization(path, spec.cues);
  expect({ side, rounds, spec: read.spec }).toEqual({ side: 48, rounds: 2, spec });
  scope(() => {
    const found = read.stateDict();
    for (const [name, value] of Object.entries(network.stateDict()))
      expect(found[name].toArray(), name).toEqual(value.toArray());
  });
  read.dispose();
  using encoder = loadBackbone(path).backbone;
  expect(encoder.spec).toEqual(backbone);
});

it("refuses a network of an earlier release, without a decoder or without cues, with the command that trains one", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using encoder = createBackbone(backbone, new Generator(1));
  using withoutCues = new LocalizationNetwork({ ...spec, cues: 0 }, new Generator(1));
  const writers = [
    () => saveBackbone(path, encoder, { task: "localization", crop: "96" }),
    () => saveLocalization(path, { network: withoutCues, side: 48, rounds: 2 }),
  ];
  for (const write of writers) {
    write();
    await expect(openSource({ source: "scda", weights: path })).rejects.toMatchObject({
      code: "earlier-localizer",
      message: expect.stringContaining(`salmask saliency train PHOTOS --out ${path}`),
    });
  }
});

it("does not build a decoder that is larger than its file", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using network = new LocalizationNetwork(spec, new Generator(1));
  const state = network.stateDict();
  const wrong = [
    ["laterals.0.weight", [2000, 6, 1, 1], "context.weight of shape [2000, 32], got [6, 32]"],
    ["blocks.3.conv.weight", [6, 6, 1, 1], "blocks.3.conv.weight of shape [6, 6, 3, 3], got [6, 6, 1, 1]"],
    ["head.weight", [1, 6, 1, 1], "head.weight of shape [1, 6, 3, 3], got [1, 6, 1, 1]"],
    ["laterals.0.weight", [6, 9, 1, 1], "laterals.0.weight of shape [6, 6, 1, 1], got [6, 9, 1, 1]"],
  ] as const;
  scope(() => {
    for (const [name, shape, message] of wrong) {
      saveSafetensors(path, { ...state, [name]: zeros(shape) }, { task: "localization", crop: "96" });
      expect(() => loadLocalization(path, spec.cues)).toThrow(
        expect.objectContaining({ code: "unusable-weights", message: expect.stringContaining(message) }),
      );
    }
  });
});

it.each(["NaN", "-1", "0.5", "1e999"])("refuses a file whose count of rounds is %s", async (rounds) => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using network = new LocalizationNetwork(spec, new Generator(1));
  saveSafetensors(path, network.stateDict(), { task: "localization", crop: "96", rounds });
  expect(() => loadLocalization(path, spec.cues)).toThrow(
    expect.objectContaining({ code: "unusable-weights", message: expect.stringContaining(rounds) }),
  );
});

it("refuses a damaged file, one that lacks weights, and one that names a network larger than itself", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  await writeFile(path, "damaged");
  expect(isLocalizationFile(path)).toBe(false);
  expect(() => loadLocalization(path, spec.cues)).toThrow(
    expect.objectContaining({ code: "unusable-weights" }),
  );
  using network = new LocalizationNetwork(spec, new Generator(1));
  const { "context.bias": _, ...state } = network.stateDict();
  scope(() => {
    for (const tensors of [
      state,
      { ...network.stateDict(), "backbone.conv1.weight": zeros([512, 3, 7, 7]) },
    ]) {
      saveSafetensors(path, tensors, { task: "localization", crop: "96" });
      expect(() => loadLocalization(path, spec.cues)).toThrow(
        expect.objectContaining({ code: "unusable-weights" }),
      );
    }
  });
});
