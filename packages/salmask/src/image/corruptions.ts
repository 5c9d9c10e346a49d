/**
 * Ways to spoil pictures, each at several strengths: noise, blur and contrast with the constants of ImageNet-C (Hendrycks and
 * Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations"), and pictures without a part
 * of their frequencies.
 */
import { empty, Generator, noGrad, scope, type Tensor } from "@salmask/torch";
import { highPass, lowPass } from "./frequency.js";
import { gaussianBlur } from "./gaussian-blur.js";

export interface Corruption {
  readonly name: string;
  /** What a strength is, for people. */
  readonly unit: string;
  /** From mild to strong. */
  readonly strengths: readonly number[];
  /**
   * Spoils pictures.
   *
   * @param pictures float32 `[B, 3, H, W]` in [0, 1]; not changed
   * @param seeds `[B]`: of what is random in each picture
   * @returns float32 `[B, 3, H, W]` in [0, 1]
   */
  apply(pictures: Tensor, strength: number, seeds: readonly number[]): Tensor;
}

/** ImageNet-C's blur is in pixels of a picture of 224. */
const usualSide = 224;
/** The blur ends at this many standard deviations. */
const blurReach = 4;

const clipped = (make: () => Tensor): Tensor => noGrad(() => scope(() => make().clamp({ min: 0, max: 1 }))); // [B, 3, H, W]

const noise: Corruption = {
  name: "noise",
  unit: "standard deviation, of a range of 1",
  strengths: [0.08, 0.12, 0.18, 0.26, 0.38],
  apply: (pictures, strength, seeds) =>
    clipped(() => {
      const added = empty(pictures.shape); // [B, 3, H, W]
      const generator = new Generator(0);
      for (const [row, seed] of seeds.entries())
        added.narrow(0, row, 1).normal_({ std: strength, generator: generator.manualSeed(seed) });
      return pictures.add(added);
    }),
};

const blur: Corruption = {
  name: "blur",
  unit: "standard deviation in pixels of a side of 224",
  strengths: [1, 2, 3, 4, 6],
  apply: (pictures, strength) =>
    clipped(() => {
      const sigma = (strength * pictures.shape[3]) / usualSide;
      return gaussianBlur(pictures, 2 * Math.ceil(blurReach * sigma) + 1, sigma);
    }),
};

const contrast: Corruption = {
  name: "contrast",
  unit: "share of the contrast that is left",
  strengths: [0.4, 0.3, 0.2, 0.1, 0.05],
  apply: (pictures, strength) =>
    clipped(() => {
      const mean = pictures.mean([2, 3], { keepdim: true }); // [B, 3, 1, 1]
      return pictures.sub(mean).mul(strength).add(mean);
    }),
};

const lowFrequencies: Corruption = {
  name: "low-pass",
  unit: "highest frequency that is left, as a share of the highest there is",
  strengths: [1 / 2, 1 / 4, 1 / 8, 1 / 16],
  apply: (pictures, strength) => clipped(() => lowPass(pictures, strength)),
};

const highFrequencies: Corruption = {
  name: "high-pass",
  unit: "frequency up to which all are removed, as a share of the highest there is",
  strengths: [1 / 32, 1 / 16, 1 / 8, 1 / 4],
  apply: (pictures, strength) => clipped(() => highPass(pictures, strength)),
};

export const corruptions: readonly Corruption[] = [noise, blur, contrast, lowFrequencies, highFrequencies];
