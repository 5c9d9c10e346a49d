/** Whether every backbone at its full width gives the same numbers in ONNX Runtime and in Python's PyTorch with torchvision. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { exportRun } from "../packages/salmask/src/export/export-run.js";
import { archNames, modelSettings } from "../packages/salmask/src/models/settings.js";
import {
  differenceOf,
  example,
  features,
  featuresOf,
  madeBackbone,
  noisePhotos,
  printed,
  saveEncoder,
} from "../packages/salmask/test/export/made.js";
import { findPython } from "../packages/torch/test/support/python.js";

const side = 224;
/** The largest difference that is allowed, as a share of the largest number. */
const mayDiffer = 1e-4;

const runExample = fileURLToPath(new URL("../packages/salmask/test/export/run_example.py", import.meta.url));

/** Exports a backbone both ways and lets the examples compute with what was written. */
async function differencesOf(arch: (typeof archNames)[number], folder: string) {
  const { width, stem } = modelSettings.parse({ arch });
  using backbone = madeBackbone({ arch, width, stem });
  const run = join(folder, `${arch}.safetensors`);
  saveEncoder(run, backbone, side, "none");
  const photos = await noisePhotos(folder, 2, side);
  const expected = await featuresOf(backbone, photos, "none");
  const onnx = await exportRun({ run, to: "onnx", out: join(folder, `${arch}-onnx`) });
  const weights = await exportRun({ run, to: "torchvision", out: join(folder, `${arch}-torchvision`) });
  const inOnnx = printed(process.execPath, [example("onnxruntime-features.mjs"), onnx.folder, ...photos]);
  const args = [runExample, example("torchvision_features.py"), photos.join(), weights.folder];
  const [inTorchvision] = z.tuple([features]).parse(printed(findPython(), args));
  return {
    width,
    onnx: differenceOf(features.parse(inOnnx), expected),
    torchvision: differenceOf(inTorchvision, expected),
  };
}

/** Prints what differs, and in the last line whether the claim holds, which it returns. */
export async function claim(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "salmask-export-"));
  try {
    let largest = 0;
    for (const arch of archNames) {
      const { width, onnx, torchvision } = await differencesOf(arch, folder);
      largest = Math.max(largest, onnx, torchvision);
      console.log(
        `${arch} of width ${width} at ${side} px: ${onnx.toExponential(1)} in ONNX Runtime, ${torchvision.toExponential(1)} in torchvision`,
      );
    }
    const holds = largest < mayDiffer;
    console.log(
      `${holds ? "held" : "NOT HELD"}: at most ${largest.toExponential(1)} of the largest number (${mayDiffer} allowed)`,
    );
    return holds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
