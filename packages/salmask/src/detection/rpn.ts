/** The region proposal network: Ren et al. 2015, "Faster R-CNN", section 3.1, with torchvision's names and numbers. */
import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import type { AnchorGenerator } from "./anchors.js";
import { anchorCoder } from "./box-coder.js";
import { boxOverlaps, clipBoxes, groupedNms, placesOfLarge, type Size } from "./boxes.js";
import { indexTensor, wholeNumbers } from "./indices.js";
import { boxLoss } from "./losses.js";
import { background, match } from "./matcher.js";
import type { AnchorPredictions, RpnHead } from "./rpn-head.js";
import type { Sampler } from "./sampler.js";
import type { RpnOptions } from "./settings.js";
import { TorchvisionModule } from "./torchvision-module.js";

/** Pixels that each side of a proposal has at least. */
const leastSide = 1e-3;

/** What the RPN makes of a batch. */
export interface RegionPredictions extends AnchorPredictions {
  /** `[anchors, 4]`, the same for each photo. */
  readonly anchors: Tensor;
}

export interface RpnLosses {
  readonly objectness: Tensor;
  readonly rpnBoxRegression: Tensor;
}

/** Feature maps of a batch, and its size with its padding. */
export interface BatchFeatures {
  readonly features: readonly Tensor[];
  readonly batch: Size;
}

export class RegionProposals extends TorchvisionModule<BatchFeatures, RegionPredictions> {
  readonly #anchors: AnchorGenerator;
  readonly #options: RpnOptions;

  constructor(
    readonly head: RpnHead,
    anchors: AnchorGenerator,
    options: RpnOptions,
  ) {
    super();
    this.#anchors = anchors;
    this.#options = options;
  }

  forward({ features, batch }: BatchFeatures): RegionPredictions {
    const { objectness, changes, perLevel } = this.head.forward(features);
    const anchors = noGrad(() => scope(() => ops.cat(this.#anchors.of(features, batch)))); // [anchors, 4]
    return { objectness, changes, perLevel, anchors };
  }

  /**
   * The boxes that are looked at more closely, best first, `[proposals, 4]` for each photo, whose sizes are given without the
   * batch's padding. Without gradients.
   */
  proposals({ objectness, changes, perLevel, anchors }: RegionPredictions, sizes: readonly Size[]): Tensor[] {
    const { candidates, candidatesInTraining } = this.#options;
    const most = this.training ? candidatesInTraining : candidates;
    return noGrad(() =>
      scope(() => {
        const starts = perLevel.map((_, level) =>
          perLevel.slice(0, level).reduce((sum, count) => sum + count, 0),
        );
        return sizes.map((size, photo) => {
          const logits = objectness.select(0, photo); // [anchors]
          const best = perLevel.map((count, level) => {
            const [, places] = logits.narrow(0, starts[level], count).topk(Math.min(most, count));
            return places.add(starts[level]); // [candidates]
          });
          const levels = best.flatMap(({ shape }, level) => Array.from({ length: shape[0] }, () => level));
          const places = ops.cat(best); // [candidates of all levels]
          const ofPhoto = changes.select(0, photo).indexSelect(0, places); // [candidates, 4]
          const boxes = anchorCoder.decode(ofPhoto, anchors.indexSelect(0, places)).squeeze(1); // [candidates, 4]
          const scores = logits.indexSelect(0, places).sigmoid();
          return this.#withoutOverlaps(clipBoxes(boxes, size), scores, indexTensor(levels, places.device));
        });
      }),
    );
  }

  #withoutOverlaps(boxes: Tensor, scores: Tensor, levels: Tensor): Tensor {
    const { nmsOverlap, proposals, proposalsInTraining } = this.#options;
    const large = placesOfLarge(boxes, leastSide);
    const [sized, ofSized, levelsOfSized] = [boxes, scores, levels].map((values) =>
      values.indexSelect(0, large),
    );
    const kept = groupedNms(sized, ofSized, levelsOfSized, nmsOverlap);
    const most = Math.min(this.training ? proposalsInTraining : proposals, kept.shape[0]);
    return sized.indexSelect(0, kept.narrow(0, 0, most)); // [proposals, 4]
  }

  /** Losses against the objects' boxes, `[objects, 4]` for each photo; a photo without objects has background alone. */
  losses(
    { objectness, changes, anchors }: RegionPredictions,
    truths: readonly Tensor[],
    sampler: Sampler,
  ): RpnLosses {
    return scope(() => {
      const { device } = anchors;
      const count = anchors.shape[0];
      const positives: number[] = [];
      const negatives: number[] = [];
      const wanted: Tensor[] = [];
      for (const [photo, boxes] of truths.entries()) {
        const matched = this.#match(anchors, boxes);
        const labels = matched.map((object) => (object >= 0 ? 1 : object === background ? 0 : -1));
        const sample = sampler({ labels, boxes: anchors }, photo);
        for (const place of sample.positives) positives.push(photo * count + place);
        for (const place of sample.negatives) negatives.push(photo * count + place);
        if (sample.positives.length === 0) continue;
        const objects = indexTensor(
          sample.positives.map((place) => matched[place]),
          device,
        );
        const from = anchors.indexSelect(0, indexTensor(sample.positives, device)); // [positives, 4]
        wanted.push(anchorCoder.encode(boxes.indexSelect(0, objects), from));
      }
      const chosen = [...positives, ...negatives];
      const logits = objectness.reshape([-1]).indexSelect(0, indexTensor(chosen, device)); // [samples]
      const isObject = Float32Array.from(chosen, (_, i) => (i < positives.length ? 1 : 0));
      const targets = fromTypedArray(isObject, [chosen.length], { device });
      const found = changes.reshape([-1, 4]).indexSelect(0, indexTensor(positives, device)); // [positives, 4]
      return {
        objectness:
          chosen.length === 0
            ? logits.sum()
            : ops.binaryCrossEntropyWithLogits(logits, targets, { reduction: 1 }),
        rpnBoxRegression: boxLoss(found, wanted.length === 0 ? found.detach() : ops.cat(wanted), {
          samples: chosen.length,
          beta: this.#options.lossBeta,
        }),
      };
    });
  }

  /** Which object each anchor is matched with. */
  #match(anchors: Tensor, objects: Tensor): Int32Array {
    if (objects.shape[0] === 0) return new Int32Array(anchors.shape[0]).fill(background);
    const { positiveOverlap, negativeOverlap } = this.#options;
    const options = { high: positiveOverlap, low: negativeOverlap, allowLowQuality: true };
    return wholeNumbers(scope(() => match(boxOverlaps(objects, anchors), options)));
  }
}
