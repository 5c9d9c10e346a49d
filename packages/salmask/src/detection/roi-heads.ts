/** What looks at proposals: box head, predictors, and the mask head of Mask R-CNN, with torchvision's names. */
import { noGrad, scope, type Tensor, zeros } from "@salmask/torch";
import type { BoxHead, BoxPredictions, BoxPredictor } from "./box-head.js";
import { boxLosses, type SampledProposals, sampleProposals } from "./box-losses.js";
import type { Size } from "./boxes.js";
import { detectionsOf, type FoundBoxes } from "./detections.js";
import { indexTensor, wholeNumbers } from "./indices.js";
import { nothingLearned } from "./losses.js";
import type { MaskHead, MaskPredictor } from "./mask-head.js";
import { maskLoss, masksOfLabels } from "./masks.js";
import { poolRegions, type RoiPoolOptions } from "./roi-pool.js";
import type { Sampler } from "./sampler.js";
import type { BoxOptions } from "./settings.js";
import type { Objects } from "./targets.js";
import { TorchvisionModule } from "./torchvision-module.js";

/** What finds masks. */
export interface MaskParts {
  /** Null where the box head's feature maps serve masks too (C4). */
  readonly head: MaskHead | null;
  readonly predictor: MaskPredictor;
  /** How regions are pooled for masks. */
  readonly pool: RoiPoolOptions;
}

export interface RoiHeadsParts {
  readonly boxHead: BoxHead;
  readonly boxPredictor: BoxPredictor;
  readonly boxPool: RoiPoolOptions;
  /** Null without masks. */
  readonly masks: MaskParts | null;
  readonly options: BoxOptions;
}

/** Feature maps of a batch, and each photo's proposals `[N, 4]` and size without padding. */
export interface Regions {
  readonly features: readonly Tensor[];
  readonly proposals: readonly Tensor[];
  readonly sizes: readonly Size[];
}

/** What was found in one photo, the surest first. */
export interface FoundObjects extends FoundBoxes {
  /** Chances within each box, `[D, side, side]`; null without masks. */
  readonly masks: Tensor | null;
}

export interface RoiLosses {
  readonly classifier: Tensor;
  readonly boxRegression: Tensor;
  /** Null without masks. */
  readonly mask: Tensor | null;
}

export class RoiHeads extends TorchvisionModule<Regions, FoundObjects[]> {
  readonly boxHead: BoxHead;
  readonly boxPredictor: BoxPredictor;
  readonly maskHead: MaskHead | null;
  readonly maskPredictor: MaskPredictor | null;
  readonly #boxPool: RoiPoolOptions;
  readonly #masks: MaskParts | null;
  readonly #options: BoxOptions;

  constructor({ boxHead, boxPredictor, boxPool, masks, options }: RoiHeadsParts) {
    super();
    this.boxHead = boxHead;
    this.boxPredictor = boxPredictor;
    this.maskHead = masks?.head ?? null;
    this.maskPredictor = masks?.predictor ?? null;
    this.#boxPool = boxPool;
    this.#masks = masks;
    this.#options = options;
  }

  /** Without gradients. */
  forward({ features, proposals, sizes }: Regions): FoundObjects[] {
    return noGrad(() =>
      scope(() => {
        const found = detectionsOf(this.#predict(features, proposals), proposals, sizes, this.#options);
        const masks = this.#masks === null ? null : this.#findMasks(this.#masks, features, found);
        return found.map((ofPhoto, photo) => ({ ...ofPhoto, masks: masks === null ? null : masks[photo] }));
      }),
    );
  }

  #predict(features: readonly Tensor[], proposals: readonly Tensor[]): BoxPredictions {
    if (proposals.every(({ shape }) => shape[0] === 0)) {
      const classes = this.boxPredictor.clsScore.weight.shape[0];
      const { device } = features[0];
      return { logits: zeros([0, classes], { device }), changes: zeros([0, 4 * classes], { device }) };
    }
    const { vectors } = this.boxHead.forward(poolRegions(features, proposals, this.#boxPool));
    return this.boxPredictor.forward(vectors);
  }

  /** Chances of each photo's detections, `[D, side, side]`. */
  #findMasks(
    { head, predictor, pool }: MaskParts,
    features: readonly Tensor[],
    found: readonly FoundBoxes[],
  ) {
    const counts = found.map(({ boxes }) => boxes.shape[0]);
    const boxes = found.map((ofPhoto) => ofPhoto.boxes);
    if (counts.every((count) => count === 0))
      return found.map(() => zeros([0, 1, 1], { device: features[0].device }));
    const pooled = poolRegions(features, boxes, pool); // [R, C, side, side]
    const maps = head === null ? this.boxHead.forward(pooled).maps : head.forward(pooled);
    if (maps === null)
      throw new TypeError("Expected a box head with feature maps where masks have no head, got one without.");
    const labels = found.flatMap((ofPhoto) => Array.from(wholeNumbers(ofPhoto.labels)));
    const chances = masksOfLabels(predictor.forward(maps), labels).sigmoid(); // [R, 2 side, 2 side]
    let before = 0;
    return counts.map((count) => {
      before += count;
      return chances.narrow(0, before - count, count);
    });
  }

  /** Losses of proposals that the sampler chooses, against each photo's objects. */
  losses(
    { features, proposals }: Omit<Regions, "sizes">,
    truths: readonly Objects[],
    sampler: Sampler,
  ): RoiLosses {
    return scope(() => {
      const overlap = this.#options.positiveOverlap;
      const samples = noGrad(() =>
        proposals.map((ofPhoto, photo) =>
          sampleProposals(ofPhoto, truths[photo], photo, { overlap, sampler }),
        ),
      );
      if (samples.every(({ labels }) => labels.length === 0)) {
        const nothing = nothingLearned([...this.boxHead.learned(), ...this.boxPredictor.parameters()]);
        return { classifier: nothing, boxRegression: nothing, mask: this.#noMasks() };
      }
      const boxes = samples.map((sample) => sample.boxes);
      const { vectors, maps } = this.boxHead.forward(poolRegions(features, boxes, this.#boxPool));
      const { classifier, boxRegression } = boxLosses(
        this.boxPredictor.forward(vectors),
        samples,
        truths,
        this.#options.lossBeta,
      );
      return { classifier, boxRegression, mask: this.#maskLoss(features, maps, samples, truths) };
    });
  }

  #noMasks(): Tensor | null {
    if (this.#masks === null) return null;
    const { head, predictor } = this.#masks;
    return nothingLearned([...(head?.parameters() ?? []), ...predictor.parameters()]);
  }

  #maskLoss(
    features: readonly Tensor[],
    boxMaps: Tensor | null,
    samples: readonly SampledProposals[],
    truths: readonly Objects[],
  ): Tensor | null {
    if (this.#masks === null) return null;
    const { head, predictor, pool } = this.#masks;
    const rows: number[] = [];
    let before = 0;
    const positives = samples.map(({ boxes, labels, objects }): SampledProposals => {
      const places = Array.from(labels.keys()).filter((place) => labels[place] > 0);
      rows.push(...places.map((place) => before + place));
      before += labels.length;
      return {
        boxes: boxes.indexSelect(0, indexTensor(places, boxes.device)),
        labels: Int32Array.from(places, (place) => labels[place]),
        objects: Int32Array.from(places, (place) => objects[place]),
      };
    });
    if (rows.length === 0) return this.#noMasks();
    const boxes = positives.map((ofPhoto) => ofPhoto.boxes);
    const maps =
      head === null
        ? boxMaps?.indexSelect(0, indexTensor(rows, features[0].device))
        : head.forward(poolRegions(features, boxes, pool));
    if (maps === undefined)
      throw new TypeError("Expected a box head with feature maps where masks have no head, got one without.");
    return maskLoss(predictor.forward(maps), positives, truths);
  }
}
