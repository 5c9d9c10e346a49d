import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadSafetensors, readSafetensorsMetadata, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { z } from "zod";
import { runPython } from "../../../torch/test/support/run-python.js";
import { exportRun } from "../../src/export/export-run.js";
import type { BackboneSpec } from "../../src/models/backbone.js";
import { loadBackbone } from "../../src/weights/files.js";
import { temporaryFolder } from "../support/photos.js";
import {
  differenceOf,
  example,
  features,
  featuresOf,
  madeBackbone,
  noisePhotos,
  saveEncoder,
} from "./made.js";

const side = 64;

const nets: BackboneSpec[] = [
  { arch: "resnet18", stem: "imagenet", width: 64 },
  { arch: "convnext_tiny", stem: "imagenet", width: 96 },
  { arch: "vit_tiny", stem: "imagenet", width: 64, hiddenPatches: "mask-token" },
];

it("weights load into torchvision's networks by the example, from either file", async () => {
  const at = await temporaryFolder();
  const photos = await noisePhotos(at, 2, side);
  const exports: { folder: string; expected: number[][] }[] = [];
  for (const [i, spec] of nets.entries()) {
    using backbone = madeBackbone(spec);
    const run = join(at, `${i}.safetensors`);
    saveEncoder(run, backbone, side, "high-pass");
    const expected = await featuresOf(backbone, photos, "high-pass");
    const { folder } = await exportRun({ run, to: "torchvision", out: join(at, spec.arch) });
    exports.push({ folder, expected });
    if (spec.arch === "convnext_tiny") continue;
    const other = await exportRun({ run, to: "safetensors", out: join(at, `${spec.arch}-safetensors`) });
    exports.push({ folder: other.folder, expected });
  }
  const script = new URL("run_example.py", import.meta.url).pathname;
  const folders = exports.map(({ folder }) => folder);
  const args = [example("torchvision_features.py"), photos.join(), ...folders];
  const found = z.array(features).parse(JSON.parse(runPython({ script, args })));
  const differences = exports.map(({ expected }, i) => differenceOf(found[i], expected));
  expect(Math.max(...differences)).toBeLessThan(1e-4);
});

it("safetensors hold the encoder as it is, and say how its pictures are prepared", async () => {
  const at = await temporaryFolder();
  using backbone = madeBackbone({ arch: "resnet18", stem: "small", width: 8 });
  const run = join(at, "weights.safetensors");
  saveEncoder(run, backbone, 16, "high-pass");
  const { files } = await exportRun({ run, to: "safetensors" });
  const path = join(at, "export", "model.safetensors");
  expect(files).toContain(path);
  expect(readSafetensorsMetadata(path)).toMatchObject({
    architecture: "resnet18",
    width: "8",
    stem: "small",
    input_size: "16",
    mean: "[0.485,0.456,0.406]",
    std: "[0.229,0.224,0.225]",
    high_pass: '{"kernel":11,"sigma":5}',
  });
  scope(() => {
    const held = loadSafetensors(path);
    expect(Object.keys(held).sort()).toEqual(Object.keys(backbone.stateDict()).sort());
    for (const [name, tensor] of Object.entries(backbone.stateDict()))
      expect(held[name].toArray(), name).toEqual(tensor.toArray());
  });
  using again = loadBackbone(path).backbone;
  expect(again.spec).toEqual(backbone.spec);
  await expect(exportRun({ run, to: "torchvision" })).rejects.toMatchObject({ code: "not-torchvision" });
});

it("a folder holds the exports of one encoder, and no other files are replaced", async () => {
  const at = await temporaryFolder();
  const runs = [8, 12].map((width) => {
    using backbone = madeBackbone({ arch: "vit_tiny", stem: "small", width });
    const run = join(at, `${width}.safetensors`);
    saveEncoder(run, backbone, 16, "none");
    return run;
  });
  const out = join(at, "out");
  await exportRun({ run: runs[0], to: "safetensors", out });
  await exportRun({ run: runs[0], to: "torchvision", out });
  expect(["model.safetensors", "model.pth"].map((name) => existsSync(join(out, name)))).toEqual([true, true]);
  await exportRun({ run: runs[1], to: "torchvision", out });
  expect(["model.safetensors", "model.pth"].map((name) => existsSync(join(out, name)))).toEqual([
    false,
    true,
  ]);

  await writeFile(join(at, "config.json"), "mine");
  await expect(exportRun({ run: runs[0], to: "safetensors", out: at })).rejects.toMatchObject({
    code: "folder-taken",
  });
  await expect(exportRun({ run: runs[0], to: "onnx", out, side: 18 })).rejects.toMatchObject({
    code: "bad-side",
  });
});
