/** Takes the weights of a run elsewhere. */
import { dirname, join } from "node:path";
import { UsageError } from "../base/errors.js";
import { weightsOf } from "../runs/run-weights.js";
import { isDetectorFile } from "../weights/detector-files.js";
import { ExportedDetector, type ExportedDetectorDescription } from "./detector.js";
import { detectorFiles } from "./detector-export.js";
import { type EncoderDescription, ExportedEncoder } from "./encoder.js";
import { encoderFiles } from "./encoder-export.js";
import { ExportFolder, type Made } from "./folder.js";
import type { Checked } from "./onnx/check.js";
import type { ExportTarget, PixelType } from "./targets.js";

/** What {@link exportRun} writes, and where. */
export interface ExportOptions {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  readonly to: ExportTarget;
  /** Folder of the export; `export` beside the weights where it is not given. */
  readonly out?: string;
  /** Of an encoder: side of the square pictures that will be given, in pixels; default: that of training. */
  readonly side?: number;
  /** onnx: the type of the pixels, which are 0 to 255 in both; default: float32. */
  readonly pixels?: PixelType;
}

/** What `salmask.json` says. */
export type ExportDescription = EncoderDescription | ExportedDetectorDescription;

/** What {@link exportRun} wrote. */
export interface Exported {
  readonly to: ExportTarget;
  readonly folder: string;
  readonly files: readonly string[];
  readonly description: ExportDescription;
  /** onnx: how near ONNX Runtime's outputs were to ours; null for others. */
  readonly checked: Checked | null;
}

/**
 * Exports an encoder or a detector: `safetensors` and `torchvision` are its weights under torchvision's names, `onnx` is the whole
 * network with what is done to pictures before it, checked against ONNX Runtime before it is written. docs/export.md says what each
 * file holds. Throws {@link CheckpointError} where the weights cannot be used, {@link UsageError} `folder-taken`, `bad-side`,
 * `not-torchvision`, `not-onnx`, `no-onnxruntime`, and {@link SalmaskError} `export-differs` where the check fails; then no file is written.
 */
export async function exportRun(options: ExportOptions): Promise<Exported> {
  const { to, out, side, pixels = "float32" } = options;
  const { path } = weightsOf(options.run);
  const folder = new ExportFolder(out ?? join(dirname(path), "export"));
  folder.refuseForeign();
  const write = async (description: ExportDescription, { files, checked }: Made): Promise<Exported> => {
    const written = await folder.write(description, files);
    return { to, folder: folder.path, files: written, description, checked };
  };
  if (!isDetectorFile(path)) {
    using encoder = await ExportedEncoder.open(path, side);
    return await write(encoder.description, await encoderFiles(encoder, to, pixels));
  }
  if (side !== undefined) {
    throw new UsageError(
      "bad-side",
      `Expected no --side for a detector, which takes photos of any size, got ${side}.`,
    );
  }
  using detector = await ExportedDetector.open(path);
  return await write(detector.description, await detectorFiles(detector, to, pixels));
}
