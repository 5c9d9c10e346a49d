/** Masks of regions: what they are learned from, and what they become in the photo. */
import { fromTypedArray, ops, scope, type Tensor, vision, zeros } from "@salmask/torch";
import type { SampledProposals } from "./box-losses.js";
import type { Size } from "./boxes.js";
import { indexTensor, wholeNumbers } from "./indices.js";
import type { Objects } from "./targets.js";

/** Of classes' masks `[R, classes, side, side]` the one of each region's label: `[R, side, side]`. */
export function masksOfLabels(masks: Tensor, labels: ArrayLike<number>): Tensor {
  const [regions, classes, rows, columns] = masks.shape;
  const places = Array.from(labels, (label, region) => region * classes + label);
  return masks.reshape([regions * classes, rows, columns]).indexSelect(0, indexTensor(places, masks.device));
}

/** What the objects' masks show within proposals: float32 `[N, side, side]`, shares of each place. */
export function maskTargets({ boxes, objects }: SampledProposals, masks: Tensor, side: number): Tensor {
  return scope(() => {
    const { device } = boxes;
    const of = fromTypedArray(Float32Array.from(objects), [objects.length, 1], { device });
    const regions = ops.cat([of, boxes], { dim: 1 }); // [N, 5]
    const options = { outputSize: [side, side], spatialScale: 1, samplingRatio: 0, aligned: false } as const;
    return vision.roiAlign(masks.unsqueeze(1), regions, options).squeeze(1); // [N, side, side]
  });
}

/** Cross-entropy of logits `[R, classes, side, side]` of proposals that show objects, at least one, all photos': `[]`. */
export function maskLoss(
  logits: Tensor,
  positives: readonly SampledProposals[],
  truths: readonly Objects[],
): Tensor {
  return scope(() => {
    const side = logits.shape[3];
    const labels = positives.flatMap((ofPhoto) => Array.from(ofPhoto.labels));
    const targets = positives.flatMap((ofPhoto, photo) => {
      const { masks } = truths[photo];
      return masks === null || ofPhoto.labels.length === 0 ? [] : [maskTargets(ofPhoto, masks, side)];
    });
    return ops.binaryCrossEntropyWithLogits(masksOfLabels(logits, labels), ops.cat(targets), {
      reduction: 1,
    });
  });
}

/**
 * Masks of detections in the whole photo: chances `[D, side, side]` within boxes `[D, 4]` to `[D, H, W]`, 0 outside of the
 * boxes. Large: give a few detections at a time.
 */
export function pasteMasks(masks: Tensor, boxes: Tensor, { height, width }: Size): Tensor {
  return scope(() => {
    const [count, side] = masks.shape;
    // A border of 0, so that a mask fades out where it ends.
    const padded = masks.constantPadNd([1, 1, 1, 1]); // [D, side + 2, side + 2]
    const corners = wholeNumbers(grown(boxes, (side + 2) / side)); // [D, 4], towards 0
    const photos = zeros([count, height, width], { device: masks.device });
    for (let i = 0; i < count; i++) {
      const [left, top, right, bottom] = corners.subarray(4 * i, 4 * i + 4);
      const [rows, columns] = [Math.max(bottom - top + 1, 1), Math.max(right - left + 1, 1)];
      const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
      const [wide, tall] = [Math.min(right + 1, width) - x, Math.min(bottom + 1, height) - y];
      if (wide <= 0 || tall <= 0) continue;
      const mask = padded.narrow(0, i, 1).unsqueeze(0); // [1, 1, side + 2, side + 2]
      const large = ops.upsampleBilinear2d(mask, [rows, columns], false).reshape([rows, columns]);
      const seen = large.narrow(0, y - top, tall).narrow(1, x - left, wide);
      photos.select(0, i).narrow(0, y, tall).narrow(1, x, wide).copy_(seen);
    }
    return photos;
  });
}

/** Boxes `[N, 4]` with the same middles and sides `factor` times as long. */
function grown(boxes: Tensor, factor: number): Tensor {
  const [left, top, right, bottom] = boxes.unbind({ dim: 1 });
  const half = (from: Tensor, to: Tensor) => to.sub(from).mul(0.5).mul(factor);
  const [x, y] = [right.add(left).mul(0.5), bottom.add(top).mul(0.5)];
  const [across, down] = [half(left, right), half(top, bottom)];
  return ops.stack([x.sub(across), y.sub(down), x.add(across), y.add(down)], { dim: 1 }); // [N, 4]
}
