/** How objects are detected. The defaults are those of torchvision's `fasterrcnn_resnet50_fpn` on COCO. */
import { z } from "zod";
import { count, type ReadOnly, share } from "../base/setting-types.js";

/** Pixels of a photo's side. A detector's file says how large photos become, and may be anybody's. */
export const mostSide = 8192;

const lengths = (expected: string, most = Number.MAX_VALUE) =>
  z.array(z.number().positive().max(most)).min(1).meta({ expected });

/** torchvision's models have 1/9; Detectron2's, MoCo's and so the paper's 0. */
const lossBeta = (description: string) =>
  z
    .number()
    .min(0)
    .default(1 / 9)
    .describe(description);

const rpn = z
  .strictObject({
    positiveOverlap: share().default(0.7).describe("RPN: overlap from which an anchor shows an object"),
    negativeOverlap: share().default(0.3).describe("RPN: overlap below which it shows background"),
    samples: count(1).default(256).describe("RPN: anchors of a photo that are learned from"),
    positiveShare: share().default(0.5).describe("RPN: largest share of them that shows objects"),
    candidatesInTraining: count(1)
      .default(2000)
      .describe("RPN: best boxes of a level that overlaps are removed from, in training"),
    candidates: count(1).default(1000).describe("RPN: the same in evaluation"),
    proposalsInTraining: count(1)
      .default(2000)
      .describe("RPN: boxes of a photo that it proposes, in training"),
    proposals: count(1).default(1000).describe("RPN: the same in evaluation"),
    nmsOverlap: share().default(0.7).describe("RPN: overlap from which the worse of two boxes is removed"),
    lossBeta: lossBeta("RPN: where the box loss goes from a parabola to a line; 0: L1, as in Detectron2"),
  })
  .prefault({});

const box = z
  .strictObject({
    positiveOverlap: share().default(0.5).describe("overlap from which a proposal shows an object"),
    samples: count(1).default(512).describe("proposals of a photo that are learned from"),
    positiveShare: share().default(0.25).describe("largest share of them that shows objects"),
    leastScore: share().default(0.05).describe("score above which a detection is kept"),
    nmsOverlap: share().default(0.5).describe("overlap from which the worse of two detections is removed"),
    detections: count(1).default(100).describe("most detections of a photo"),
    lossBeta: lossBeta("where the box loss goes from a parabola to a line; 0: L1, as in Detectron2"),
    /** torchvision's models have 2; Detectron2's, MoCo's and so the paper's 0. */
    samplingRatio: count(0, 16)
      .default(2)
      .describe("samples of a region's bin along each side; 0: as many as it has places"),
    /** torchvision's models have them not aligned, Detectron2's, MoCo's and so the paper's aligned. */
    aligned: z.boolean().default(false).describe("whether regions are shifted by half a place"),
  })
  .prefault({});

export const detectionSettings = z
  .strictObject({
    design: z
      .enum(["fpn", "c4"])
      .default("fpn")
      .describe("fpn: a feature pyramid; c4: the encoder's last level looks at regions of the level before"),
    masks: z.boolean().default(false).describe("whether each object's mask is found too (Mask R-CNN)"),
    norm: z
      .enum(["frozen", "batch"])
      .default("batch")
      .describe("the encoder's normalisation; frozen: by the statistics that it came with"),
    extraNorm: z
      .boolean()
      .default(false)
      .describe("batch normalisation after the encoder's last level (c4), or in pyramid and mask head (fpn)"),
    frozenParts: count(0, 16)
      .default(0)
      .describe("parts of the encoder that keep their weights: the stem first, then its levels"),
    shortSides: lengths(`one or more pixels, at most ${mostSide}, as 640,672,800`, mostSide)
      .default([800])
      .describe("shorter side of a photo, one of these in training, the last in evaluation"),
    longSide: count(1, mostSide).default(1333).describe("longest side of a photo"),
    anchorSizes: lengths("one or more pixels, as 32,64,128,256,512")
      .default([32, 64, 128, 256, 512])
      .describe("sides of anchors; fpn: one for each level, from the finest; c4: all at its one level"),
    aspectRatios: lengths("one or more heights over widths, as 0.5,1,2")
      .default([0.5, 1, 2])
      .describe("height over width of anchors"),
    pyramidChannels: count(1, 4096).default(256).describe("fpn: channels of each level and of the mask head"),
    headWidth: count(1, 65536).default(1024).describe("fpn: width of the box head"),
    rpn,
    box,
  })
  .prefault({});

export type DetectionSettings = z.infer<typeof detectionSettings>;
export type DetectionOptions = ReadOnly<DetectionSettings>;
export type RpnOptions = DetectionOptions["rpn"];
export type BoxOptions = DetectionOptions["box"];
