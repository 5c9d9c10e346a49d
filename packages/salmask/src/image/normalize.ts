import { type Tensor, tensor } from "@salmask/torch";

/** Mean and standard deviation per channel (red, green, blue) of photos in [0, 1]. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The values of ImageNet, which torchvision's models expect. */
export const IMAGENET_NORMALIZATION: Normalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** `(images - mean) / std` per channel, in place. `images` float32 [B, 3, H, W]. Returns `images`. */
export function normalize(images: Tensor, { mean, std }: Normalization = IMAGENET_NORMALIZATION): Tensor {
  const channels = (values: readonly number[]): Tensor =>
    tensor(values, { shape: [1, 3, 1, 1], device: images.device });
  return images.sub_(channels(mean)).div_(channels(std));
}
