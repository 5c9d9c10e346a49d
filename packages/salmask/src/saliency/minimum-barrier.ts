import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { backgroundContrast } from "./background-contrast.js";
import { minimumBarrierDistance } from "./barrier-distance.js";
import { bell, helpingSpread } from "./bell.js";
import type { MapSize, SaliencySource } from "./source.js";

/** Longest side in pixels of the pictures on which saliency is computed. */
const side = 64;

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
        const [batch, , height, width] = crops.shape;
        const size = { height: Math.min(height, side), width: Math.min(width, side) };
        const small = crops.adaptiveAvgPool2d([size.height, size.width]); // [B, 3, h, w]
        const colours = small.contiguous().toFloat32Array();
        const pixels = size.height * size.width;
        const weights = bell(size.height, size.width, helpingSpread); // [h * w]
        const maps = new Float32Array(batch * pixels);
        for (let i = 0; i < batch; i++) {
          const picture = colours.subarray(3 * i * pixels, 3 * (i + 1) * pixels); // [3 * h * w]
          const barrier = toUnit(minimumBarrierDistance(picture, size));
          const contrast = toUnit(backgroundContrast(picture, size));
          for (let p = 0; p < pixels; p++)
            maps[i * pixels + p] = (weights[p] * (barrier[p] + contrast[p])) / 2;
        }
        const whole = fromTypedArray(maps, [batch, 1, size.height, size.width], { device: crops.device }); // [B, 1, h, w]
        return whole.adaptiveAvgPool2d([rows, cols]).squeeze(1); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {}
}

/** Scales the values so that the largest is 1; zeros stay zero. */
function toUnit(values: Float32Array): Float32Array {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  return largest === 0 ? values : values.map((value) => value / largest);
}
