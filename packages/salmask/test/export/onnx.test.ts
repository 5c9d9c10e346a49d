import { existsSync } from "node:fs";
import { join } from "node:path";
import { noGrad } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { exportRun } from "../../src/export/export-run.js";
import type { BackboneSpec } from "../../src/models/backbone.js";
import { archNames } from "../../src/models/settings.js";
import { temporaryFolder } from "../support/photos.js";
import {
  differenceOf,
  example,
  type FillName,
  features,
  featuresOf,
  hasPackage,
  madeBackbone,
  noisePhotos,
  printed,
  saveEncoder,
} from "./made.js";

const side = 32;
const stems = ["imagenet", "small"] as const;
const nets = archNames.flatMap((arch): BackboneSpec[] => stems.map((stem) => ({ arch, stem, width: 8 })));

/** Exports an encoder to the folder `export` beside its weights. */
async function exported(
  spec: BackboneSpec,
  fill: FillName,
  pixels: "float32" | "uint8",
  photos = 0,
): Promise<{ folder: string; paths: string[]; expected: number[][]; difference: number }> {
  const at = await temporaryFolder();
  using backbone = madeBackbone(spec);
  const run = join(at, "weights.safetensors");
  saveEncoder(run, backbone, side, fill);
  const { folder, checked } = await exportRun({ run, to: "onnx", pixels });
  const paths = await noisePhotos(at, photos, side);
  const expected = await featuresOf(backbone, paths, fill);
  return { folder, paths, expected, difference: checked?.difference ?? Number.NaN };
}

describe.skipIf(!hasPackage("onnxruntime-node"))("an ONNX graph", () => {
  it.each(nets)("computes what the encoder does: %o", async (spec) => {
    const { difference } = await exported(spec, "none", "float32");
    expect(difference).toBeLessThan(1e-4);
  });

  it.each([
    [{ arch: "resnet18", stem: "small", width: 8 }, "uint8"],
    [{ arch: "vit_tiny", stem: "small", width: 16, positions: 5 }, "float32"],
  ] as const)(
    "filters pictures itself, and runs in onnxruntime-node by the example: %o, %s",
    async (spec, pixels) => {
      const { folder, paths, expected } = await exported(spec, "high-pass", pixels, 2);
      const found = printed(process.execPath, [example("onnxruntime-features.mjs"), folder, ...paths]);
      expect(differenceOf(features.parse(found), expected)).toBeLessThan(1e-4);
    },
  );

  it("runs in transformers.js by the example", async ({ skip }) => {
    if (!hasPackage("@huggingface/transformers")) skip();
    const { folder, paths, expected } = await exported(
      { arch: "convnext_tiny", stem: "small", width: 8 },
      "high-pass",
      "float32",
      2,
    );
    const found = printed(process.execPath, [example("transformers-features.mjs"), folder, ...paths]);
    expect(differenceOf(features.parse(found), expected)).toBeLessThan(1e-4);
  });

  it("is not written where ONNX Runtime's outputs differ", async () => {
    const at = await temporaryFolder();
    using backbone = madeBackbone({ arch: "resnet18", stem: "small", width: 8 });
    noGrad(() => backbone.stateDict()["layer4.1.bn2.bias"].fill_(Number.NaN));
    const run = join(at, "weights.safetensors");
    saveEncoder(run, backbone, side, "none");
    await expect(exportRun({ run, to: "onnx" })).rejects.toMatchObject({ code: "export-differs" });
    expect(existsSync(join(at, "export"))).toBe(false);
  });
});
