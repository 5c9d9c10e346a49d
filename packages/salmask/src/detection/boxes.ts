/** Boxes `[N, 4]`: left, top, right and bottom in pixels, as torchvision's operators have them. */
import { ops, type Tensor, vision } from "@salmask/torch";
import { placesWhere } from "./indices.js";

/** Of a picture, in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** `[N, 4]` to `[N]`. */
export function boxAreas(boxes: Tensor): Tensor {
  const [left, top, right, bottom] = boxes.unbind({ dim: 1 });
  return right.sub(left).mul(bottom.sub(top)); // [N]
}

/** Intersection over union of every pair: `[M, 4]` and `[N, 4]` to `[M, N]`. */
export function boxOverlaps(a: Tensor, b: Tensor): Tensor {
  const corners = (boxes: Tensor, first: number) => boxes.narrow(1, first, 2);
  const upper = corners(a, 0).unsqueeze(1).maximum(corners(b, 0)); // [M, N, 2]
  const lower = corners(a, 2).unsqueeze(1).minimum(corners(b, 2)); // [M, N, 2]
  const [widths, heights] = lower.sub(upper).clampMin(0).unbind({ dim: 2 });
  const shared = widths.mul(heights); // [M, N]
  return shared.div(boxAreas(a).unsqueeze(1).add(boxAreas(b)).sub(shared)); // [M, N]
}

/** `[..., 4]`, each side moved into the picture. */
export function clipBoxes(boxes: Tensor, { height, width }: Size): Tensor {
  const sides = (first: number, most: number) =>
    boxes.slice({ dim: -1, start: first, step: 2 }).clamp({ min: 0, max: most }); // [..., 2]
  return ops.stack([sides(0, width), sides(1, height)], { dim: -1 }).reshape(boxes.shape); // [..., 4]
}

/** Places of the boxes `[N, 4]` whose sides are both at least so long: int64 `[kept]`. */
export function placesOfLarge(boxes: Tensor, least: number): Tensor {
  const [left, top, right, bottom] = boxes.unbind({ dim: 1 });
  return placesWhere(right.sub(left).ge(least).logicalAnd(bottom.sub(top).ge(least)));
}

/** Boxes `[N, 4]` of a picture, when the picture is made of another size. */
export function scaleBoxes(boxes: Tensor, from: Size, to: Size): Tensor {
  const across = Math.fround(to.width / from.width);
  const down = Math.fround(to.height / from.height);
  const [left, top, right, bottom] = boxes.unbind({ dim: 1 });
  return ops.stack([left.mul(across), top.mul(down), right.mul(across), bottom.mul(down)], { dim: 1 }); // [N, 4]
}

/** Up to here, all groups at once are quicker than one after another. */
const fewBoxes = 1000;

/**
 * {@link vision.nms} within each group: boxes `[N, 4]`, scores `[N]`, groups int64 `[N]` from 0 to the places of the boxes
 * that are kept, best first, int64 `[kept]`.
 */
export function groupedNms(boxes: Tensor, scores: Tensor, groups: Tensor, overlap: number): Tensor {
  if (boxes.shape[0] === 0) return groups.narrow(0, 0, 0);
  if (boxes.shape[0] <= fewBoxes) {
    // Each group is moved to where no other has boxes.
    const apart = boxes.amax().add(1); // []
    const offsets = groups.to({ dtype: boxes.dtype }).mul(apart); // [N]
    return vision.nms(boxes.add(offsets.unsqueeze(1)), scores, overlap);
  }
  const kept = Array.from(new Set(groups.toArray()), (group) => {
    const places = placesWhere(groups.eq(group)); // [of the group]
    const best = vision.nms(boxes.indexSelect(0, places), scores.indexSelect(0, places), overlap);
    return places.indexSelect(0, best);
  });
  const [places] = ops.cat(kept).sort(); // [kept]
  const order = scores.indexSelect(0, places).argsort({ descending: true }); // [kept]
  return places.indexSelect(0, order);
}
