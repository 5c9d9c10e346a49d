import { noGrad, scope, type Tensor } from "@salmask/torch";
import { gaussianBlur } from "../image/gaussian-blur.js";
import { BT601, luma } from "../image/luma.js";
import { IMAGENET_NORMALIZATION } from "../image/normalize.js";
import type { MapSize, SaliencySource } from "./source.js";

/**
 * Longest side in pixels of the pictures on which saliency is computed. At this scale the method finds objects, not
 * texture.
 */
const side = 64;
/** The authors' published program smooths with 10 x 10 taps; an odd number does not shift the map. */
const smoothing = { kernel: 11, sigma: 2.5 };
/** Smaller amplitudes are rounding errors; their logarithm would be noise. */
const leastAmplitude = 1e-6;

/**
 * Hou and Zhang 2007, "Saliency Detection: A Spectral Residual Approach". The unexpected part of a picture's log
 * spectrum, transformed back with its original phase, shows where something stands out. Needs no network.
 */
export class SpectralResidualSource implements SaliencySource {
  readonly name = "spectral-residual";

  /** A crop of one colour gives a constant map. */
  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    return noGrad(() =>
      scope(() => {
        const spectrum = smallGray(crops).fftFft2(); // complex [B, 1, h, w]
        const amplitude = spectrum.abs().clampMin(leastAmplitude); // [B, 1, h, w]
        const logarithm = amplitude.log(); // [B, 1, h, w]
        const residual = logarithm.sub(periodicMean(logarithm)); // [B, 1, h, w]
        const whitened = spectrum.mul(residual.exp().div(amplitude)); // complex [B, 1, h, w], phase as before
        const energy = whitened.fftIfft2().abs().pow(2); // [B, 1, h, w]
        const smooth = gaussianBlur(energy, smoothing.kernel, smoothing.sigma); // [B, 1, h, w]
        return smooth.adaptiveAvgPool2d([rows, cols]).squeeze(1); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {}
}

/** Grey values in [0, 1] of normalised crops, `[B, 3, H, W]` to `[B, 1, h, w]` with sides of at most {@link side}. */
function smallGray(crops: Tensor): Tensor {
  const [, , height, width] = crops.shape;
  const { mean, std } = IMAGENET_NORMALIZATION;
  const [red, green, blue] = BT601;
  // The grey value of the crops before normalisation; it is again a weighted sum of the channels.
  const offset = red * mean[0] + green * mean[1] + blue * mean[2];
  const gray = luma(crops, [red * std[0], green * std[1], blue * std[2]]).add_(offset); // [B, 1, H, W]
  return gray.adaptiveAvgPool2d([Math.min(height, side), Math.min(width, side)]); // [B, 1, h, w]
}

/** The mean of each 3 x 3 neighbourhood with wrap-around: a discrete spectrum is periodic. `[..., h, w]` to the same. */
function periodicMean(x: Tensor): Tensor {
  const along = (values: Tensor, dim: number) =>
    values.add(values.roll(1, { dims: dim })).add(values.roll(-1, { dims: dim }));
  return along(along(x, -1), -2).div(9); // [..., h, w]
}
