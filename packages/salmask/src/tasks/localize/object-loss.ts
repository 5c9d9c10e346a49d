import type { Tensor } from "@salmask/torch";

/** Added to both sides of a fraction, so that a crop without an object has a loss of 0 where none is found. */
const smoothing = 1;

/** What a crop's places should be, and how much they count. */
export interface ObjectTargets {
  /** float32 `[B, rows, cols]`, 0 to 1: whether a place belongs to the object. */
  readonly labels: Tensor;
  /** float32 `[B, rows, cols]`, 0 to 1: how sure the label of a place is. */
  readonly places: Tensor;
  /** float32 `[B]`, 0 to 1: how sure the labels of a photo are. */
  readonly photos: Tensor;
}

/**
 * Binary cross-entropy plus one minus the soft intersection over union (Rahman and Wang 2016), of each crop, both with the weights of its
 * places; then their mean over the crops with the weights of their photos: `[]`, from 0. It is 0 where no photo counts.
 *
 * @param logits float32 `[B, rows, cols]`
 */
export function objectLoss(logits: Tensor, { labels, places, photos }: ObjectTargets): Tensor {
  const entropies = logits.binaryCrossEntropyWithLogits(labels, { weight: places, reduction: 0 }); // [B, rows, cols]
  const entropy = entropies.mean([1, 2]); // [B]
  const found = logits.sigmoid(); // [B, rows, cols]
  const both = found.mul(labels).mul(places).sum([1, 2]); // [B]
  const all = found.add(labels).mul(places).sum([1, 2]); // [B]
  const overlap = both.add(smoothing).div(all.sub(both).add(smoothing)); // [B]
  const ofCrops = entropy.sub(overlap).add(1); // [B]
  return ofCrops.mul(photos).sum().div(photos.sum().clampMin(1e-6)); // []
}
