/** The files of an encoder's export. */
import { saveSafetensors, scope } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { onnxRuntime } from "../compute/onnx-runtime.js";
import type { ExportedEncoder } from "./encoder.js";
import { json, type Made } from "./folder.js";
import { checkEncoder } from "./onnx/encoder-check.js";
import { encoderGraph } from "./onnx/encoder-graph.js";
import type { ExportTarget, PixelType } from "./targets.js";
import { torchFile } from "./torch-file.js";
import { torchvisionState } from "./torchvision.js";
import { modelConfig, preprocessorConfig } from "./transformers-js.js";

/** Throws {@link UsageError} `not-torchvision`, `no-onnxruntime`, {@link SalmaskError} `export-differs`. */
export async function encoderFiles(
  encoder: ExportedEncoder,
  to: ExportTarget,
  pixels: PixelType,
): Promise<Made> {
  switch (to) {
    case "safetensors":
      return { files: { safetensors: (path) => save(path, encoder) }, checked: null };
    case "torchvision":
      return { files: { torch: torchFileOf(encoder) }, checked: null };
    case "onnx": {
      const runtime = await onnxRuntime("the check of an ONNX file");
      const file = encoderGraph(encoder, pixels);
      const checked = await checkEncoder(runtime, encoder, file, pixels);
      const config = json(modelConfig(encoder.description));
      const preprocessor = json(preprocessorConfig(encoder.description));
      return { files: { onnx: file, config, preprocessor }, checked };
    }
  }
}

function save(path: string, encoder: ExportedEncoder): void {
  const { backbone, input } = encoder.description;
  const { arch, width, stem } = backbone;
  saveSafetensors(path, encoder.weights(), {
    ...encoder.metadata,
    format: "pt",
    backbone: JSON.stringify(backbone),
    architecture: arch,
    width: String(width),
    stem,
    input_size: String(input.side),
    mean: JSON.stringify(input.mean),
    std: JSON.stringify(input.std),
    high_pass: JSON.stringify(input.highPass),
  });
}

function torchFileOf(encoder: ExportedEncoder): Uint8Array {
  const { torchvision, backbone, stride, input } = encoder.description;
  if (torchvision === null) {
    throw new UsageError(
      "not-torchvision",
      `Expected the width and the stem of torchvision's ${backbone.arch}, got width ${backbone.width} and stem ${backbone.stem}. ` +
        "Export it with --to safetensors or --to onnx.",
    );
  }
  return scope(() => torchFile(torchvisionState(encoder.weights(), stride, input.side)));
}
