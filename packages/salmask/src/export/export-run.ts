/** Takes the weights of a run elsewhere. */
import { dirname, join } from "node:path";
import { saveSafetensors, scope } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { onnxRuntime } from "../compute/onnx-runtime.js";
import { weightsOf } from "../runs/run-weights.js";
import { type EncoderDescription, ExportedEncoder } from "./encoder.js";
import { type Content, type ExportFile, ExportFolder, json } from "./folder.js";
import type { Checked } from "./onnx/check.js";
import { checkEncoder } from "./onnx/encoder-check.js";
import { encoderGraph } from "./onnx/encoder-graph.js";
import type { ExportTarget, PixelType } from "./targets.js";
import { torchFile } from "./torch-file.js";
import { torchvisionState } from "./torchvision.js";
import { modelConfig, preprocessorConfig } from "./transformers-js.js";

/** What {@link exportRun} writes, and where. */
export interface ExportOptions {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  readonly to: ExportTarget;
  /** Folder of the export; `export` beside the weights where it is not given. */
  readonly out?: string;
  /** Side of the square pictures that will be given, in pixels; default: that of training. */
  readonly side?: number;
  /** onnx: the type of the pixels, which are 0 to 255 in both; default: float32. */
  readonly pixels?: PixelType;
}

/** What {@link exportRun} wrote. */
export interface Exported {
  readonly to: ExportTarget;
  readonly folder: string;
  readonly files: readonly string[];
  readonly description: EncoderDescription;
  /** onnx: how near ONNX Runtime's outputs were to ours; null for others. */
  readonly checked: Checked | null;
}

interface Made {
  readonly files: Readonly<Partial<Record<ExportFile, Content>>>;
  readonly checked: Checked | null;
}

/**
 * Exports an encoder: `safetensors` and `torchvision` are its weights under torchvision's names, `onnx` is the whole network with
 * what is done to pictures before it, checked against ONNX Runtime before it is written. docs/export.md says what each file holds.
 * Throws {@link CheckpointError} where the weights cannot be used, {@link UsageError} `folder-taken`, `bad-side`, `not-torchvision`,
 * `no-onnxruntime`, and {@link SalmaskError} `export-differs` where the check fails; then no file is written.
 */
export async function exportRun(options: ExportOptions): Promise<Exported> {
  const { run, to, side, pixels = "float32" } = options;
  const { path } = weightsOf(run);
  const folder = new ExportFolder(options.out ?? join(dirname(path), "export"));
  folder.refuseForeign();
  using encoder = await ExportedEncoder.open(path, side);
  const { description } = encoder;
  const { files, checked } = await made(to, encoder, pixels);
  return { to, folder: folder.path, files: await folder.write(description, files), description, checked };
}

async function made(to: ExportTarget, encoder: ExportedEncoder, pixels: PixelType): Promise<Made> {
  switch (to) {
    case "safetensors":
      return { files: { safetensors: (path) => saveEncoder(path, encoder) }, checked: null };
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

function saveEncoder(path: string, encoder: ExportedEncoder): void {
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

/** Throws {@link UsageError} `not-torchvision`. */
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
