/** Where a classifier looks, and how much of that lies on the object. */
import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import type { LinearClassifier } from "./linear-fast.js";

/**
 * Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", equations
 * 1 and 2) for a linear classifier on feature maps that are averaged over their positions. The gradient of a class's score by a
 * position of a channel is then the channel's weight over its spread and over the number of positions, so that no backward pass
 * is needed.
 *
 * @param maps `[B, C, h, w]`
 * @param labels `[B]`: the class of each picture
 * @returns `[B, h, w]`, at least 0
 */
export function gradCam(maps: Tensor, { weight, spread }: LinearClassifier, labels: Int32Array): Tensor {
  return noGrad(() =>
    scope(() => {
      const [batch, channels, height, width] = maps.shape;
      const of = fromTypedArray(labels, [batch]).toCopy({ dtype: "int64" }); // [B]
      const slopes = weight.t().indexSelect(0, of).div(spread); // [B, C]
      const flat = maps.reshape([batch, channels, height * width]); // [B, C, h w]
      const sums = slopes.unsqueeze(1).bmm(flat).reshape([batch, height, width]); // [B, h, w]
      return sums.div(height * width).relu(); // [B, h, w]
    }),
  );
}

export interface CamScores {
  /** Share of the map's sum that lies on the object, 0 to 1; null where the map is 0 everywhere. */
  readonly energy: number | null;
  /** Whether the map's largest value lies on the object; null where the map is 0 everywhere. */
  readonly isHit: boolean | null;
  /** Share of the picture that is the object: the energy of a map that is the same everywhere. */
  readonly area: number;
}

/**
 * How maps and objects meet: the energy inside the object (the measure of Wang et al. 2020, "Score-CAM", section 4.3, with masks
 * in place of boxes), and the pointing game (Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop").
 *
 * @param maps `[B, H, W]`, at least 0
 * @param masks `[B, H, W]`, 1 on the object, 0 elsewhere
 */
export function camScores(maps: Tensor, masks: Tensor): CamScores[] {
  return noGrad(() =>
    scope(() => {
      const [batch] = maps.shape;
      const [flat, inside] = [maps.reshape([batch, -1]), masks.reshape([batch, -1])]; // [B, H W] each
      const sums = flat.sum([1]).toArray();
      const onObject = flat.mul(inside).sum([1]).toArray();
      const peaks = flat.argmax({ dim: 1, keepdim: true }); // [B, 1]
      const hits = ops.gather(inside, 1, peaks).toArray();
      const areas = inside.mean([1]).toArray();
      return sums.map((sum, i) => ({
        energy: sum > 0 ? onObject[i] / sum : null,
        isHit: sum > 0 ? hits[i] > 0.5 : null,
        area: areas[i],
      }));
    }),
  );
}
