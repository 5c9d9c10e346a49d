/** What sets the places of a picture apart from its border, in two cheap ways. */
import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { backgroundContrast } from "./background-contrast.js";
import { minimumBarrierDistance } from "./barrier-distance.js";

/**
 * Two cues of Zhang et al. 2015 ("Minimum Barrier Salient Object Detection at 80 FPS"), computed on the host on pictures of at most
 * `side` pixels: how much the colour must change on a way from the border, and how unlike the border the colour is.
 *
 * @param crops float32 `[B, 3, H, W]`, normalised with ImageNet's mean and standard deviation
 * @returns float32 `[B, 2, h, w]` on the crops' device; each cue's largest value is 1, or it is 0 everywhere
 */
export function borderCues(crops: Tensor, side: number): Tensor {
  return noGrad(() =>
    scope(() => {
      const [batch, , height, width] = crops.shape;
      const size = { height: Math.min(height, side), width: Math.min(width, side) };
      const small = crops.adaptiveAvgPool2d([size.height, size.width]); // [B, 3, h, w]
      const colours = small.to({ dtype: "float32" }).contiguous().toFloat32Array();
      const area = size.height * size.width;
      const cues = new Float32Array(2 * batch * area);
      for (let i = 0; i < batch; i++) {
        const picture = colours.subarray(3 * i * area, 3 * (i + 1) * area); // [3 * h * w]
        cues.set(largestIsOne(minimumBarrierDistance(picture, size)), 2 * i * area);
        cues.set(largestIsOne(backgroundContrast(picture, size)), (2 * i + 1) * area);
      }
      return fromTypedArray(cues, [batch, 2, size.height, size.width], { device: crops.device }); // [B, 2, h, w]
    }),
  );
}

/** Scales the values so that the largest is 1; zeros stay zero. */
function largestIsOne(values: Float32Array): Float32Array {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  return largest === 0 ? values : values.map((value) => value / largest);
}
