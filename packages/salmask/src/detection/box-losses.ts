/** What proposals are learned from, and the losses of the box head: torchvision's `fastrcnn_loss`. */
import { ops, scope, type Tensor } from "@salmask/torch";
import { proposalCoder } from "./box-coder.js";
import type { BoxPredictions } from "./box-head.js";
import { boxOverlaps } from "./boxes.js";
import { indexTensor, wholeNumbers } from "./indices.js";
import { boxLoss } from "./losses.js";
import { background, match } from "./matcher.js";
import type { Sampler } from "./sampler.js";
import type { Objects } from "./targets.js";

/** The proposals of one photo that a loss is taken of. */
export interface SampledProposals {
  /** `[N, 4]` */
  readonly boxes: Tensor;
  /** `[N]`: 0 is background. */
  readonly labels: Int32Array;
  /** `[N]`: places among the photo's objects, where the label is above 0. */
  readonly objects: Int32Array;
}

/** Chooses among a photo's proposals `[N, 4]` and its objects' own boxes, which stand after them. Without gradients. */
export function sampleProposals(
  proposals: Tensor,
  { boxes, labels }: Objects,
  photo: number,
  { overlap, sampler }: { readonly overlap: number; readonly sampler: Sampler },
): SampledProposals {
  return scope(() => {
    const all = ops.cat([proposals, boxes]); // [N, 4]
    const options = { high: overlap, low: overlap, allowLowQuality: false };
    const matched =
      labels.length === 0
        ? new Int32Array(all.shape[0]).fill(background)
        : wholeNumbers(match(boxOverlaps(boxes, all), options)); // [N]
    const labelOf = (object: number) => (object === background ? 0 : labels[object]);
    const sample = sampler({ labels: matched.map(labelOf), boxes: all }, photo);
    const places = Int32Array.of(...sample.positives, ...sample.negatives).sort();
    const objects = places.map((place) => matched[place]);
    const chosen = all.indexSelect(0, indexTensor(places, all.device)); // [samples, 4]
    return { boxes: chosen, labels: objects.map(labelOf), objects };
  });
}

export interface BoxLosses {
  readonly classifier: Tensor;
  readonly boxRegression: Tensor;
}

/**
 * Losses of what was said of all photos' sampled proposals, at least one; `truths` are their objects' boxes, `beta` is where the
 * smooth L1 loss becomes a line.
 */
export function boxLosses(
  { logits, changes }: BoxPredictions,
  samples: readonly SampledProposals[],
  truths: readonly Objects[],
  beta: number,
): BoxLosses {
  return scope(() => {
    const { device } = logits;
    const [count, classes] = logits.shape;
    const labels = samples.flatMap((sample) => Array.from(sample.labels));
    const rows: number[] = [];
    const wanted: Tensor[] = [];
    let before = 0;
    for (const [photo, { boxes, labels, objects }] of samples.entries()) {
      const positives = Array.from(labels.keys()).filter((place) => labels[place] > 0);
      // Each class has changes of its own.
      for (const place of positives) rows.push((before + place) * classes + labels[place]);
      before += labels.length;
      if (positives.length === 0) continue;
      const ofObjects = indexTensor(
        positives.map((place) => objects[place]),
        device,
      );
      const from = boxes.indexSelect(0, indexTensor(positives, device)); // [positives, 4]
      wanted.push(proposalCoder.encode(truths[photo].boxes.indexSelect(0, ofObjects), from));
    }
    const found = changes.reshape([count * classes, 4]).indexSelect(0, indexTensor(rows, device)); // [positives, 4]
    return {
      classifier: ops.crossEntropyLoss(logits, indexTensor(labels, device)),
      boxRegression: boxLoss(found, wanted.length === 0 ? found.detach() : ops.cat(wanted), {
        samples: count,
        beta,
      }),
    };
  });
}
