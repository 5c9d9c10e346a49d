/** From what is said of proposals to detections: torchvision's `postprocess_detections`. */
import { noGrad, scope, type Tensor } from "@salmask/torch";
import { proposalCoder } from "./box-coder.js";
import type { BoxPredictions } from "./box-head.js";
import { clipBoxes, groupedNms, placesOfLarge, type Size } from "./boxes.js";
import { placesWhere } from "./indices.js";
import type { BoxOptions } from "./settings.js";

/** What was found in one photo, the surest first. */
export interface FoundBoxes {
  /** Pixels, `[D, 4]`: left, top, right, bottom. */
  readonly boxes: Tensor;
  /** `[D]`, 0 to 1. */
  readonly scores: Tensor;
  /** int64 `[D]`, from 1. */
  readonly labels: Tensor;
}

/** Pixels that each side of a detection has at least. */
const leastSide = 1e-2;

/** Detections of each photo, whose proposals `[N, 4]` the predictions are of, one photo's after another's. */
export function detectionsOf(
  { logits, changes }: BoxPredictions,
  proposals: readonly Tensor[],
  sizes: readonly Size[],
  options: BoxOptions,
): FoundBoxes[] {
  let before = 0;
  return proposals.map((ofPhoto, photo) => {
    const count = ofPhoto.shape[0];
    const of = (values: Tensor) => values.narrow(0, before, count);
    const found = noGrad(() =>
      scope(() => {
        const boxes = clipBoxes(proposalCoder.decode(of(changes), ofPhoto), sizes[photo]); // [N, classes, 4]
        return best(boxes, of(logits).softmax(1), options);
      }),
    );
    before += count;
    return found;
  });
}

/** Boxes `[N, classes, 4]` and scores `[N, classes]`, the background's first, to detections. */
function best(boxes: Tensor, scores: Tensor, { leastScore, nmsOverlap, detections }: BoxOptions): FoundBoxes {
  const [, classes] = scores.shape;
  const all = scores.narrow(1, 1, classes - 1).reshape([-1]); // [N (classes - 1)]
  const places = placesWhere(all.gt(leastScore)); // [above]
  const sides = boxes
    .narrow(1, 1, classes - 1)
    .reshape([-1, 4])
    .indexSelect(0, places); // [above, 4]
  const large = placesOfLarge(sides, leastSide);
  const sized = sides.indexSelect(0, large); // [large, 4]
  const chosen = places.indexSelect(0, large); // [large]
  const ofSized = all.indexSelect(0, chosen);
  const labels = chosen.remainder(classes - 1).add(1); // [large]
  const kept = groupedNms(sized, ofSized, labels, nmsOverlap);
  const top = kept.narrow(0, 0, Math.min(detections, kept.shape[0])); // [D]
  return {
    boxes: sized.indexSelect(0, top),
    scores: ofSized.indexSelect(0, top),
    labels: labels.indexSelect(0, top),
  };
}
