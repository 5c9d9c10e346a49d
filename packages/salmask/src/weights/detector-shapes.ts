/** The sizes of a detector's layers beside its encoder, without building it. */
import { c4MaskChannels, pyramidSide } from "../detection/rcnn.js";
import { levelsOf } from "../models/registry.js";
import type { DetectorDescription } from "./detector-description.js";
import type { Shapes } from "./shapes.js";

interface Sizes {
  /** Channels of the encoder's levels, from fine to coarse. */
  readonly levels: readonly number[];
  readonly settings: DetectorDescription["settings"];
  /** With the background. */
  readonly classes: number;
}

/** The weights of all convolutions and linear layers of a detector beside its encoder, by torchvision's names. */
export function detectorShapes({ backbone, settings, categories, highPass }: DetectorDescription): Shapes {
  const levels = levelsOf(backbone).map(({ channels }) => channels);
  const sizes = { levels, settings, classes: categories.length + 1 };
  return {
    ...(highPass === null ? {} : { "backbone.filter.weight": [3, 1, highPass.kernel, highPass.kernel] }),
    ...(settings.design === "fpn" ? pyramidDesign(sizes) : c4Design(sizes)),
  };
}

/** Anchors of each place of a feature map. */
export const anchorsPerPlace = ({ design, anchorSizes, aspectRatios }: Sizes["settings"]): number =>
  (design === "fpn" ? 1 : anchorSizes.length) * aspectRatios.length;

function pyramidDesign({ levels, settings, classes }: Sizes): Shapes {
  const { pyramidChannels: channels, headWidth: width, masks } = settings;
  const ofLevels = levels.flatMap((input, i): [string, number[]][] => [
    [`backbone.fpn.inner_blocks.${i}.0.weight`, [channels, input, 1, 1]],
    [`backbone.fpn.layer_blocks.${i}.0.weight`, [channels, channels, 3, 3]],
  ]);
  const ofMasks = [0, 1, 2, 3].map((i): [string, number[]] => [
    `roi_heads.mask_head.${i}.0.weight`,
    [channels, channels, 3, 3],
  ]);
  return {
    ...Object.fromEntries(ofLevels),
    ...proposals(channels, settings),
    "roi_heads.box_head.fc6.weight": [width, channels * pyramidSide.box ** 2],
    "roi_heads.box_head.fc7.weight": [width, width],
    ...boxPredictor(width, classes),
    ...(masks ? { ...Object.fromEntries(ofMasks), ...maskPredictor(channels, channels, classes) } : {}),
  };
}

function c4Design({ levels, settings, classes }: Sizes): Shapes {
  const [seen, width] = levels.slice(-2);
  return {
    ...proposals(seen, settings),
    ...boxPredictor(width, classes),
    ...(settings.masks ? maskPredictor(width, c4MaskChannels, classes) : {}),
  };
}

function proposals(channels: number, settings: Sizes["settings"]): Shapes {
  const anchors = anchorsPerPlace(settings);
  return {
    "rpn.head.conv.0.0.weight": [channels, channels, 3, 3],
    "rpn.head.cls_logits.weight": [anchors, channels, 1, 1],
    "rpn.head.bbox_pred.weight": [4 * anchors, channels, 1, 1],
  };
}

const boxPredictor = (width: number, classes: number): Shapes => ({
  "roi_heads.box_predictor.cls_score.weight": [classes, width],
  "roi_heads.box_predictor.bbox_pred.weight": [4 * classes, width],
});

const maskPredictor = (inChannels: number, channels: number, classes: number): Shapes => ({
  "roi_heads.mask_predictor.conv5_mask.weight": [inChannels, channels, 2, 2],
  "roi_heads.mask_predictor.mask_fcn_logits.weight": [classes, channels, 1, 1],
});
