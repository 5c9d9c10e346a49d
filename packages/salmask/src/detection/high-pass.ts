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
    const plane = Array.from(line).flatMap((y) => Array.from(line, (x) => -y * x));
    plane[(plane.length - 1) / 2] += 1;
    const filters = Float32Array.from([...plane, ...plane, ...plane]);
    this.#weight = this.registerBuffer("weight", fromTypedArray(filters, [3, 1, kernel, kernel]));
  }

  forward(pictures: Tensor): Tensor {
    const half = this.#half;
    const padded = ops.reflectionPad2d(pictures, [half, half, half, half]);
    return ops.conv2d(padded, this.#weight, { groups: 3 }); // [B, 3, H, W]
  }
}
