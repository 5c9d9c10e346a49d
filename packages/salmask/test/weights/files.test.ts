import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Generator, saveSafetensors, scope, zeros } from "@salmask/torch";
import { expect, it } from "vitest";
import { createBackbone } from "../../src/models/registry.js";
import { loadDetector } from "../../src/weights/detector-files.js";
import { loadBackbone } from "../../src/weights/files.js";
import { inputOf } from "../../src/weights/metadata.js";
import { temporaryFolder } from "../support/photos.js";

const spec = { arch: "resnet18", stem: "small", width: 8 } as const;

it.each(["", "backbone.body."])(
  "reads an encoder with frozen norms, which count no batches, named %s...",
  async (prefix) => {
    const path = join(await temporaryFolder(), "weights.safetensors");
    using made = createBackbone(spec, new Generator(2));
    const state = Object.entries(made.stateDict()).filter(([name]) => !name.endsWith("num_batches_tracked"));
    const others =
      prefix === "" ? [] : [["rpn.head.conv.0.0.weight", made.stateDict()["bn1.weight"]] as const];
    saveSafetensors(
      path,
      Object.fromEntries([...state.map(([name, value]) => [`${prefix}${name}`, value] as const), ...others]),
    );
    using read = loadBackbone(path).backbone;
    scope(() => {
      const found = read.stateDict();
      for (const [name, value] of Object.entries(made.stateDict()))
        expect(found[name].toArray(), name).toEqual(value.toArray());
    });
  },
);

it("still refuses a file that lacks weights", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using made = createBackbone(spec, new Generator(2));
  const { "bn1.running_var": _, ...state } = made.stateDict();
  saveSafetensors(path, state);
  expect(() => loadBackbone(path)).toThrow(expect.objectContaining({ code: "unusable-weights" }));
});

it("does not build a network that is larger than its file", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using made = createBackbone(spec, new Generator(2));
  scope(() => saveSafetensors(path, { ...made.stateDict(), "conv1.weight": zeros([512, 3, 3, 3]) }));
  const refused = { code: "unusable-weights", message: expect.stringContaining("resnet18 of width 512") };
  expect(() => loadBackbone(path)).toThrow(expect.objectContaining(refused));

  const backbone = { ...spec, width: 512 };
  const detector = JSON.stringify({ backbone, settings: {}, categories: [], highPass: null });
  saveSafetensors(path, made.stateDict(), { detector });
  expect(() => loadDetector(path)).toThrow(expect.objectContaining(refused));
});

it("says what is wrong with a detector's file that is damaged, and with metadata", async () => {
  const path = join(await temporaryFolder(), "detector.safetensors");
  await writeFile(path, "damaged");
  expect(() => loadDetector(path)).toThrow(expect.objectContaining({ code: "unusable-weights" }));
  for (const [key, text] of Object.entries({ mask: "{", crop: "1e9" }))
    expect(() => inputOf({ [key]: text })).toThrow(expect.objectContaining({ code: "unusable-weights" }));
  expect(inputOf({ crop: "64" }).crop).toBe(64);
});
