import { empty, Generator, KeyedRandom, ops, type Tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import { gaussianBlur } from "../../image/gaussian-blur.js";
import type { MaskKey } from "../draw.js";
import type { HighPassOptions } from "../settings.js";
import type { Fill } from "./fill.js";

/** Every view loses its low frequencies, so that masks cause no visible edges; masked pixels become noise. */
export function highPassFill({ kernel, sigma, noise, focal, channelwise }: HighPassOptions): Fill {
  return {
    name: "high-pass",
    shapes: { focal, channelwise },
    prepare: (crops) => crops.sub(gaussianBlur(crops, kernel, sigma)), // [B, 3, H, W]
    replacement: (prepared, { role, key }) =>
      keyedNoise(prepared, key, role === "positive" ? noise[0] : noise[1]),
  };
}

/** Gaussian noise in the shape of `like`, `[B, 3, H, W]`. The noise of an image depends only on its key. */
function keyedNoise(like: Tensor, key: MaskKey, std: number): Tensor {
  const out = empty(like.shape, { device: like.device }); // [B, 3, H, W]
  const generator = new Generator(0, like.device);
  for (let i = 0; i < key.ids.length; i++) {
    const seed = new KeyedRandom(key.seed, purpose.noise, key.epoch, key.ids[i], key.view).uint32();
    ops.normal_(out.narrow(0, i, 1), { std, generator: generator.manualSeed(seed) });
  }
  return out;
}
