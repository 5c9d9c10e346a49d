/** A detector to be exported, and what an export says of it. */
import { readSafetensorsMetadata } from "@salmask/torch";
import { hashOfFile } from "../base/files.js";
import type { Detector } from "../detection/rcnn.js";
import { IMAGENET_NORMALIZATION } from "../image/normalize.js";
import { modelSettings } from "../models/settings.js";
import type { DetectorDescription } from "../weights/detector-description.js";
import { loadDetector } from "../weights/detector-files.js";

/** How torchvision builds a detector; the example torchvision_detections.py does it. */
export interface TorchvisionDetector {
  readonly name: "FasterRCNN" | "MaskRCNN";
  /** The encoder, as `resnet_fpn_backbone` takes it. */
  readonly backbone: string;
  readonly anchorSizes: readonly number[];
  readonly aspectRatios: readonly number[];
  readonly arguments: Readonly<Record<string, number>>;
}

/** What the file `salmask.json` of a detector's export says. */
export interface ExportedDetectorDescription extends DetectorDescription {
  readonly kind: "detector";
  /** Of the file with the weights. */
  readonly sha256: string;
  /** Of red, green and blue in [0, 1]; subtracted and divided by after a photo is resized as `settings` say. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** How torchvision builds the network; null where none of its classes fits. */
  readonly torchvision: TorchvisionDetector | null;
}

export class ExportedDetector {
  private constructor(
    readonly path: string,
    readonly detector: Detector,
    readonly metadata: Readonly<Record<string, string>>,
    readonly description: ExportedDetectorDescription,
  ) {}

  /** Reads a safetensors file of a detector. Throws {@link CheckpointError}. */
  static async open(path: string): Promise<ExportedDetector> {
    const sha256 = await hashOfFile(path);
    const { detector, description } = loadDetector(path);
    const { mean, std } = IMAGENET_NORMALIZATION;
    const torchvision = torchvisionDetector(description);
    const about = { ...description, kind: "detector", sha256, mean, std, torchvision } as const;
    return new ExportedDetector(path, detector, readSafetensorsMetadata(path), about);
  }

  [Symbol.dispose](): void {
    this.detector.dispose();
  }
}

/** What torchvision's classes have, where Salmask has a setting. */
const torchvisions = { pyramidChannels: 256, headWidth: 1024, samplingRatio: 2 };

function torchvisionDetector({
  backbone: { arch, stem, width },
  settings,
  categories,
  highPass,
}: DetectorDescription): TorchvisionDetector | null {
  const { design, extraNorm, pyramidChannels, headWidth, rpn, box, masks } = settings;
  const isBody =
    arch.startsWith("resnet") && stem === "imagenet" && width === modelSettings.parse({ arch }).width;
  const isHeads =
    pyramidChannels === torchvisions.pyramidChannels &&
    headWidth === torchvisions.headWidth &&
    box.samplingRatio === torchvisions.samplingRatio &&
    !box.aligned;
  if (!isBody || !isHeads || design !== "fpn" || extraNorm || highPass !== null) return null;
  return {
    name: masks ? "MaskRCNN" : "FasterRCNN",
    backbone: arch,
    anchorSizes: settings.anchorSizes,
    aspectRatios: settings.aspectRatios,
    arguments: {
      num_classes: categories.length + 1,
      min_size: settings.shortSides[settings.shortSides.length - 1],
      max_size: settings.longSide,
      rpn_pre_nms_top_n_test: rpn.candidates,
      rpn_post_nms_top_n_test: rpn.proposals,
      rpn_nms_thresh: rpn.nmsOverlap,
      box_score_thresh: box.leastScore,
      box_nms_thresh: box.nmsOverlap,
      box_detections_per_img: box.detections,
    },
  };
}
