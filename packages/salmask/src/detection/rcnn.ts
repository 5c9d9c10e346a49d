/** Faster R-CNN and Mask R-CNN, whole, with torchvision's names and numbers. */
import { type Generator, noGrad, scope, type Tensor } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { type Compute, onCpu, place } from "../compute/compute.js";
import { IMAGENET_NORMALIZATION, type Normalization } from "../image/normalize.js";
import type { HighPassOptions } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import { AnchorGenerator } from "./anchors.js";
import { BoxPredictor, TwoMlpHead } from "./box-head.js";
import { scaleBoxes } from "./boxes.js";
import { C4Head, c4Side } from "./c4.js";
import type { Decisions } from "./decisions.js";
import { FeaturePyramid } from "./fpn.js";
import { HighPassFilter } from "./high-pass.js";
import { MaskHead, MaskPredictor } from "./mask-head.js";
import { resizedBatch, resizedSize, sizeOf } from "./resize.js";
import { type FoundObjects, RoiHeads, type RoiHeadsParts, type RoiLosses } from "./roi-heads.js";
import { RegionProposals, type RpnLosses } from "./rpn.js";
import { RpnHead } from "./rpn-head.js";
import type { DetectionOptions } from "./settings.js";
import { checkTruth, objectsOf, type Truth } from "./targets.js";
import { TorchvisionModule } from "./torchvision-module.js";
import { freezeNorms, freezeParts, Trunk } from "./trunk.js";

export interface DetectorParts {
  /** Becomes the detector's own. */
  readonly backbone: Backbone;
  /** Kinds of objects, without the background. */
  readonly classes: number;
  readonly settings: DetectionOptions;
  /** What the encoder was shown in pre-training, where that was high frequencies alone. */
  readonly highPass?: Pick<HighPassOptions, "kernel" | "sigma">;
  /** ImageNet's where it is not given. */
  readonly normalization?: Normalization;
  /** The CPU in float32 where it is not given. */
  readonly compute?: Compute;
  /** Draws the weights of all but the backbone. */
  readonly generator: Generator;
}

/** torchvision's `loss_objectness`, `loss_rpn_box_reg`, `loss_classifier`, `loss_box_reg` and `loss_mask`, `[]` each. */
export interface DetectionLosses extends RpnLosses, RoiLosses {}

/** Places along each side of a region with a pyramid: of the box head and of the mask head. */
export const pyramidSide = { box: 7, mask: 14 };
/** Channels of what finds masks in the maps of C4's box head. */
export const c4MaskChannels = 256;

/**
 * A network that finds objects: Faster R-CNN (Ren et al. 2015), or Mask R-CNN (He et al. 2017) where the settings ask for masks. Its
 * state dict has torchvision's names. {@link loadDetector} reads one, `detect` uses it, `dispose` frees its weights.
 */
export class Detector extends TorchvisionModule<readonly Tensor[], FoundObjects[]> {
  /** @internal */
  readonly backbone: Trunk;
  /** @internal */
  readonly rpn: RegionProposals;
  /** @internal */
  readonly roiHeads: RoiHeads;
  readonly #settings: DetectionOptions;
  readonly #compute: Compute;
  readonly #normalization: Normalization;
  readonly #classes: number;

  /** @internal Throws {@link UsageError} `bad-detector` where the settings do not fit the backbone. */
  constructor(parts: DetectorParts) {
    super();
    const { settings, classes, compute = onCpu, normalization = IMAGENET_NORMALIZATION } = parts;
    this.#settings = settings;
    this.#classes = classes;
    this.#compute = compute;
    this.#normalization = normalization;
    expectFitting(parts);
    this.backbone = noGrad(() => trunkOf(parts, compute));
    this.rpn = noGrad(() => rpnOf(this.backbone, parts, compute));
    this.roiHeads = noGrad(() => new RoiHeads(headsOf(this.backbone, parts, compute)));
    place(this, compute);
  }

  /**
   * What is in photos `[3, H, W]` in [0, 1], of any sizes: boxes in their own pixels. In evaluation, without gradients; the
   * mode is restored.
   */
  forward(photos: readonly Tensor[]): FoundObjects[] {
    const { shortSides, longSide } = this.#settings;
    const wasTraining = this.training;
    this.eval();
    try {
      return noGrad(() =>
        scope(() => {
          const originals = photos.map(sizeOf);
          const shortSide = shortSides[shortSides.length - 1];
          const sizes = originals.map((size) => resizedSize(size, shortSide, longSide));
          const { features, batch } = this.#look(photos, sizes);
          const proposals = this.rpn.proposals(this.rpn.forward({ features, batch }), sizes);
          const found = this.roiHeads.forward({ features, proposals, sizes });
          return found.map((ofPhoto, i) => ({
            ...ofPhoto,
            boxes: scaleBoxes(ofPhoto.boxes, sizes[i], originals[i]),
          }));
        }),
      );
    } finally {
      this.train(wasTraining);
    }
  }

  /**
   * @internal
   * The losses of photos `[3, H, W]` in [0, 1] against what is in them. Throws {@link DataError} `bad-target` where that is not
   * what the photos and the settings ask for.
   */
  losses(photos: readonly Tensor[], truths: readonly Truth[], decisions: Decisions): DetectionLosses {
    const { longSide, masks } = this.#settings;
    const { device } = this.#compute;
    const originals = photos.map(sizeOf);
    for (const [i, truth] of truths.entries())
      checkTruth(truth, originals[i], { classes: this.#classes, masks }, i);
    return scope(() => {
      const sizes = originals.map((size, i) => resizedSize(size, decisions.shortSide(i), longSide));
      const objects = truths.map((truth, i) =>
        objectsOf(truth, { from: originals[i], to: sizes[i] }, { device, withMasks: masks }),
      );
      const { features, batch } = this.#look(photos, sizes);
      const predictions = this.rpn.forward({ features, batch });
      const boxes = objects.map((ofPhoto) => ofPhoto.boxes);
      const { objectness, rpnBoxRegression } = this.rpn.losses(predictions, boxes, decisions.anchors);
      const proposals = this.rpn.proposals(predictions, sizes);
      const { classifier, boxRegression, mask } = this.roiHeads.losses(
        { features, proposals },
        objects,
        decisions.proposals,
      );
      return { classifier, boxRegression, mask, objectness, rpnBoxRegression };
    });
  }

  /** The feature maps of photos that are made of given sizes, and the size of their batch with its padding. */
  #look(photos: readonly Tensor[], sizes: readonly { height: number; width: number }[]) {
    const options = { device: this.#compute.device, normalization: this.#normalization };
    const { pictures } = resizedBatch(photos, sizes, options); // [B, 3, H, W]
    const [, , height, width] = pictures.shape;
    return { features: this.backbone.forward(pictures), batch: { height, width } };
  }
}

function expectFitting({ backbone, settings }: DetectorParts): void {
  const { design, anchorSizes } = settings;
  const { length } = backbone.levels;
  if (design === "c4" && length < 2)
    throw new UsageError(
      "bad-detector",
      `Expected an encoder of at least 2 levels for the design c4, got one of ${length}.`,
    );
  if (design === "fpn" && anchorSizes.length !== length + 1) {
    throw new UsageError(
      "bad-detector",
      `Expected a size of anchors for each of the pyramid's ${length + 1} levels in the setting anchorSizes, got ${anchorSizes.length}.`,
    );
  }
}

function trunkOf({ backbone, settings, highPass, generator }: DetectorParts, compute: Compute): Trunk {
  const { design, norm, frozenParts, extraNorm, pyramidChannels } = settings;
  if (norm === "frozen") freezeNorms(backbone);
  freezeParts(backbone, frozenParts);
  const inChannels = backbone.levels.map(({ channels }) => channels);
  const fpn =
    design === "fpn"
      ? new FeaturePyramid({ inChannels, outChannels: pyramidChannels, norm: extraNorm, generator })
      : null;
  const filter = highPass === undefined ? null : new HighPassFilter(highPass);
  return new Trunk(filter, backbone, fpn, compute, pyramidChannels);
}

function rpnOf(
  { fpn, regionLevels }: Trunk,
  { settings, generator }: DetectorParts,
  compute: Compute,
): RegionProposals {
  const { anchorSizes, aspectRatios, rpn } = settings;
  const sizes = fpn === null ? [anchorSizes] : anchorSizes.map((size) => [size]);
  const anchors = new AnchorGenerator(sizes, aspectRatios);
  const { channels } = regionLevels[0];
  const head = new RpnHead({ channels, anchors: anchors.perPlace[0], compute, generator });
  return new RegionProposals(head, anchors, rpn);
}

function headsOf(trunk: Trunk, parts: DetectorParts, compute: Compute): RoiHeadsParts {
  const { settings, classes: kinds, generator } = parts;
  const { extraNorm, headWidth, pyramidChannels, masks, box } = settings;
  const { samplingRatio, aligned } = box;
  const classes = kinds + 1;
  const pool = (side: number) => ({ levels: trunk.regionLevels, side, samplingRatio, aligned });
  const masksFrom = (inChannels: number, channels: number) =>
    new MaskPredictor({ inChannels, channels, classes, compute, generator });
  if (trunk.fpn === null) {
    const boxHead = new C4Head(trunk.body, { norm: extraNorm, compute });
    return {
      boxHead,
      boxPredictor: new BoxPredictor(boxHead.width, classes, generator),
      boxPool: pool(c4Side),
      masks: masks
        ? { head: null, predictor: masksFrom(boxHead.width, c4MaskChannels), pool: pool(c4Side) }
        : null,
      options: box,
    };
  }
  const { box: boxSide, mask: maskSide } = pyramidSide;
  return {
    boxHead: new TwoMlpHead(pyramidChannels * boxSide ** 2, headWidth, compute, generator),
    boxPredictor: new BoxPredictor(headWidth, classes, generator),
    boxPool: pool(boxSide),
    masks: masks
      ? {
          head: new MaskHead({ channels: pyramidChannels, norm: extraNorm, compute, generator }),
          predictor: masksFrom(pyramidChannels, pyramidChannels),
          pool: pool(maskSide),
        }
      : null,
    options: box,
  };
}
