/** Non-maximum suppression of boxes. */
import { callTensor } from "../dispatch.js";
import { Operator } from "../operator.js";
import { fromTypedArray, type Tensor } from "../tensor.js";
import { torchvisionComputesOn } from "./torchvision.js";

const opNms = new Operator("torchvision::nms", "");

/**
 * The places of boxes that no better one overlaps by more than the threshold, best first: int64 `[kept]`. Boxes `[N, 4]` are
 * left, top, right, bottom; scores `[N]`. Of equal scores the earlier box is the better. By torchvision's operator where
 * there is one for the device, else on the host.
 */
export function nms(boxes: Tensor, scores: Tensor, iouThreshold: number): Tensor {
  return torchvisionComputesOn(boxes.device)
    ? callTensor(opNms, boxes.handle, scores.handle, iouThreshold)
    : nmsOnHost(boxes, scores, iouThreshold);
}

/** {@link nms} without torchvision: the same comparisons in the same float32, one box after another. */
export function nmsOnHost(boxes: Tensor, scores: Tensor, iouThreshold: number): Tensor {
  const sides = boxes.toFloat32Array();
  const values = scores.toFloat32Array();
  if (sides.length !== 4 * values.length)
    throw new RangeError(
      `Expected a score of each box, got boxes [${boxes.shape}] and scores [${scores.shape}].`,
    );
  const order = Int32Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
  const areas = Float32Array.from(
    values.keys(),
    (i) => Math.fround(sides[4 * i + 2] - sides[4 * i]) * Math.fround(sides[4 * i + 3] - sides[4 * i + 1]),
  );
  const isDropped = new Uint8Array(values.length);
  const kept: number[] = [];
  for (let place = 0; place < order.length; place++) {
    const i = order[place];
    if (isDropped[i] === 1) continue;
    kept.push(i);
    for (let later = place + 1; later < order.length; later++) {
      const j = order[later];
      if (isDropped[j] === 0 && overlap(sides, areas, i, j) > iouThreshold) isDropped[j] = 1;
    }
  }
  const places = BigInt64Array.from(kept, BigInt);
  return fromTypedArray(places, [kept.length], { device: boxes.device });
}

/** Intersection over union of the boxes at two places, in float32; NaN of two boxes without area. */
function overlap(sides: Float32Array, areas: Float32Array, i: number, j: number): number {
  const [a, b] = [4 * i, 4 * j];
  const width = Math.fround(Math.min(sides[a + 2], sides[b + 2]) - Math.max(sides[a], sides[b]));
  const height = Math.fround(Math.min(sides[a + 3], sides[b + 3]) - Math.max(sides[a + 1], sides[b + 1]));
  const inter = width > 0 && height > 0 ? Math.fround(width * height) : 0;
  return Math.fround(inter / Math.fround(Math.fround(areas[i] + areas[j]) - inter));
}
