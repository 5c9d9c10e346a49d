/** The files of a detector's export. */
import { saveSafetensors } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { onnxRuntime } from "../compute/onnx-runtime.js";
import { graphFamilies } from "./backbones/registry.js";
import type { ExportedDetector } from "./detector.js";
import type { Made } from "./folder.js";
import { checkDetector } from "./onnx/detector/detector-check.js";
import { detectorGraph } from "./onnx/detector/detector-graph.js";
import type { ExportTarget, PixelType } from "./targets.js";
import { torchFile } from "./torch-file.js";

/** Throws {@link UsageError} `not-torchvision`, `not-onnx`, `no-onnxruntime`, {@link SalmaskError} `export-differs`. */
export async function detectorFiles(
  exported: ExportedDetector,
  to: ExportTarget,
  pixels: PixelType,
): Promise<Made> {
  const { detector, description } = exported;
  switch (to) {
    case "safetensors":
      return { files: { safetensors: (path) => save(path, exported) }, checked: null };
    case "torchvision":
      if (description.torchvision === null) {
        throw new UsageError(
          "not-torchvision",
          "Expected a detector as torchvision's FasterRCNN or MaskRCNN with resnet_fpn_backbone (full width, a pyramid, no filter, no extra norms), " +
            "got another. Export it with --to safetensors or --to onnx.",
        );
      }
      return { files: { torch: torchFile(detector.stateDict()) }, checked: null };
    case "onnx": {
      const { arch } = description.backbone;
      if (!graphFamilies[arch].takesAnySize) {
        throw new UsageError(
          "not-onnx",
          `Expected a detector on an encoder whose graph takes photos of any size, got one on ${arch}, whose positions are fixed. ` +
            "Export it with --to safetensors.",
        );
      }
      const runtime = await onnxRuntime("the check of an ONNX file");
      const file = detectorGraph(exported, pixels, description.settings.box.leastScore);
      return { files: { onnx: file }, checked: await checkDetector(runtime, exported, file, pixels) };
    }
  }
}

function save(path: string, { detector, metadata, description }: ExportedDetector): void {
  const { backbone, mean, std, highPass } = description;
  saveSafetensors(path, detector.stateDict(), {
    ...metadata,
    format: "pt",
    architecture: backbone.arch,
    width: String(backbone.width),
    stem: backbone.stem,
    mean: JSON.stringify(mean),
    std: JSON.stringify(std),
    high_pass: JSON.stringify(highPass),
  });
}
