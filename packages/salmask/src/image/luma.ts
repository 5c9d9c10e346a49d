/** Brightness of colours with the weights of ITU-R BT.601 for red, green and blue. */
import type { Tensor } from "@salmask/torch";

export type ChannelWeights = readonly [number, number, number];

/** The weights of the standard, which OpenCV and PIL use. */
export const BT601: ChannelWeights = [0.299, 0.587, 0.114];

/** torchvision's rounded weights, so that our grey views and contrast agree with torchvision to the last digits. */
export const TORCHVISION_LUMA: ChannelWeights = [0.2989, 0.587, 0.114];

/** The weighted sum of the channels: float32 [B, 3, H, W] to [B, 1, H, W]. */
export function luma(images: Tensor, weights: ChannelWeights): Tensor {
  const [red, green, blue] = [0, 1, 2].map((channel) => images.narrow(1, channel, 1)); // each [B, 1, H, W]
  return red.mul(weights[0]).add_(green, { alpha: weights[1] }).add_(blue, { alpha: weights[2] });
}
