/**
 * The jitter of color-jitter.ts by tensor operators, for devices other than a CPU. Brightness, contrast and saturation have the same
 * formula, `f x + (1 - f) target` clamped to [0, 1], where the target is black, the mean brightness or the grey image. So at each of
 * the four positions all images are blended at once; images with another operation have f = 1. After that the hue of the remaining
 * images is shifted.
 */
import { fromTypedArray, ops, scope, type Tensor, tensor } from "@salmask/torch";
import { luma, TORCHVISION_LUMA } from "../image/luma.js";
import { applyToRows, rowsWhere } from "../image/rows.js";
import { JITTER_OPERATIONS, type JitterDraw } from "./draw.js";

/** Weights of the blend at one position for each image; each [B, 1, 1, 1]. */
interface Blend {
  /** Weight of the image itself. */
  own: Float32Array;
  /** Weight of its mean brightness (contrast). */
  mean: Float32Array;
  /** Weight of its grey version (saturation). */
  gray: Float32Array;
}

/** As `colorJitter`, on any device. */
export function colorJitterByOperators(images: Tensor, draw: JitterDraw): void {
  for (let position = 0; position < JITTER_OPERATIONS.length; position++) {
    const due = (row: number) => JITTER_OPERATIONS[draw.jitterOrder[row * 4 + position]];
    const factor = (row: number) => draw.jitterFactors[row * 4 + draw.jitterOrder[row * 4 + position]];
    const blend: Blend = {
      own: new Float32Array(draw.count).fill(1),
      mean: new Float32Array(draw.count),
      gray: new Float32Array(draw.count),
    };
    for (const row of rowsWhere(draw.count, (row) => draw.jitter[row] === 1 && due(row) !== "hue")) {
      blend.own[row] = factor(row);
      if (due(row) === "contrast") blend.mean[row] = 1 - factor(row);
      if (due(row) === "saturation") blend.gray[row] = 1 - factor(row);
    }
    const turned = rowsWhere(draw.count, (row) => draw.jitter[row] === 1 && due(row) === "hue");
    scope(() => {
      blendColors(images, blend);
      const shifts = onePerImage(Float32Array.from(turned, factor), images.device);
      applyToRows(images, turned, (chosen) => turnHue(chosen, shifts));
    });
  }
}

function onePerImage(values: Float32Array, device: string): Tensor {
  return fromTypedArray(values, [values.length, 1, 1, 1], { device }); // [B, 1, 1, 1]
}

/** Blends in place; `images` [B, 3, H, W]. */
function blendColors(images: Tensor, blend: Blend): void {
  const [own, mean, gray] = [blend.own, blend.mean, blend.gray].map((values) =>
    onePerImage(values, images.device),
  );
  const brightness = luma(images, TORCHVISION_LUMA); // [B, 1, H, W]
  const average = brightness.mean([1, 2, 3], { keepdim: true }); // [B, 1, 1, 1]
  const target = brightness.mul_(gray).add_(average.mul_(mean)); // [B, 1, H, W]
  images.mul_(own).add_(target).clamp_({ min: 0, max: 1 });
}

/**
 * Shifts the hue by `shifts` [B, 1, 1, 1] turns, in [-0.5, 0.5], and keeps value and saturation (HSV). The conversion
 * to RGB is the closed form: with k = (n + 6 hue) mod 6 and n = 5, 3, 1 for red, green, blue, a channel is min + (max -
 * min) clamp(|k - 2| - 1, 0, 1).
 */
function turnHue(images: Tensor, shifts: Tensor): Tensor {
  const [red, green, blue] = [0, 1, 2].map((channel) => images.narrow(1, channel, 1)); // each [B, 1, H, W]
  const most = images.amax({ dim: 1, keepdim: true }); // [B, 1, H, W]
  const least = images.amin({ dim: 1, keepdim: true }); // [B, 1, H, W]
  const chroma = most.sub(least); // [B, 1, H, W]
  // A grey pixel has no hue. Any divisor except zero is correct, because the result is multiplied by its chroma.
  const divisor = chroma.clamp({ min: 1e-12 });
  const fromGreen = blue.sub(red).div_(divisor).add_(2);
  const fromBlue = red.sub(green).div_(divisor).add_(4);
  const notRed = ops.where(green.eq(most), fromGreen, fromBlue);
  const sixths = ops.where(red.eq(most), green.sub(blue).div_(divisor), notRed); // 6 hue, in [-1, 5]
  const channels = tensor([5 / 6, 3 / 6, 1 / 6], { shape: [1, 3, 1, 1], device: images.device });
  const turns = sixths.div_(6).add_(shifts).add(channels); // k / 6 before the mod, [B, 3, H, W]
  const distance = turns.sub_(turns.floor()).mul_(6).sub_(2).abs_(); // |k - 2|
  return distance.sub_(1).clamp_({ min: 0, max: 1 }).mul_(chroma).add_(least); // [B, 3, H, W]
}
