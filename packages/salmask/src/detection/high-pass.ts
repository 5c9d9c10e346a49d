/** What a high-pass encoder was shown in pre-training, as its first layer. */
import { fromTypedArray, nn, ops, type Tensor } from "@salmask/torch";
import { gaussianWeights } from "../image/gaussian-blur.js";
import type { HighPassOptions } from "../masking/settings.js";

/**
 * A fixed depth-wise convolution that takes low frequencies away: each pixel less the Gaussian mean around it, with reflected
 * borders, as the fill `high-pass` prepares views. Normalised pictures `[B, 3, H, W]` to the same; H and W are more than half
 * the filter's side. Its filter is part of the state.
 */
export class HighPassFilter extends nn.Module {
  readonly #weight: Tensor;
  readonly #half: number;

  constructor({ kernel, sigma }: Pick<HighPassOptions, "kernel" | "sigma">) {
    super();
    this.#half = (kernel - 1) / 2;
    const line = gaussianWeights(kernel, sigma);
    const area = kernel ** 2;
    const filters = Float32Array.from({ length: 3 * area }, (_, i) => {
      const [row, column] = [Math.floor((i % area) / kernel), i % kernel];
      const isCentre = row === this.#half && column === this.#half;
      return (isCentre ? 1 : 0) - line[row] * line[column];
    });
    this.#weight = this.registerBuffer("weight", fromTypedArray(filters, [3, 1, kernel, kernel]));
  }

  forward(pictures: Tensor): Tensor {
    const half = this.#half;
    const padded = ops.reflectionPad2d(pictures, [half, half, half, half]);
    return ops.conv2d(padded, this.#weight, { groups: 3 }); // [B, 3, H, W]
  }
}
