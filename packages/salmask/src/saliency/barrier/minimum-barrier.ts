import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { bell } from "../bell.js";
import type { MapSize, SaliencySource } from "../source.js";
import { borderCues } from "./border-cues.js";

/** Longest side in pixels of the pictures on which saliency is computed. */
const side = 64;

/** Of the bell, as a share of the side. Wider than the control's bell, because it only supports the cues. */
const spread = 0.35;

/**
 * Zhang et al. 2015, "Minimum Barrier Salient Object Detection at 80 FPS": an object cannot be reached from the
 * picture's border without a change of colour, has other colours than the border, and is near the centre. Needs no
 * network. The map is the mean of the first two cues multiplied by a bell. The paper's last steps (smoothing by
 * reconstruction, a sigmoid) are left out, because a cell is an average anyway. Border and centre are those of the
 * photo, so use it on whole photos.
 */
export class MinimumBarrierSource implements SaliencySource {
  readonly name = "minimum-barrier";

  /** A crop of one colour gives a constant map. */
  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return noGrad(() =>
      scope(() => {
        const cues = borderCues(crops, side); // [B, 2, h, w]
        const [, , height, width] = cues.shape;
        const { device } = crops;
        const weights = fromTypedArray(bell(height, width, spread), [1, 1, height, width], { device }); // [1, 1, h, w]
        const whole = cues.mean([1], { keepdim: true }).mul(weights); // [B, 1, h, w]
        return whole.adaptiveAvgPool2d([rows, cols]).squeeze(1); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {}
}
