import { empty, Generator, KeyedRandom, ops, type Tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { MaskKey } from "../draw.js";

/** Gaussian noise in the shape of `like`, `[B, 3, H, W]`. The noise of an image depends only on its key. */
export function keyedNoise(like: Tensor, key: MaskKey, std: number): Tensor {
  const out = empty(like.shape, { device: like.device }); // [B, 3, H, W]
  const generator = new Generator(0, like.device);
  for (let i = 0; i < key.ids.length; i++) {
    const seed = new KeyedRandom(key.seed, purpose.noise, key.epoch, key.ids[i], key.view).uint32();
    ops.normal_(out.narrow(0, i, 1), { std, generator: generator.manualSeed(seed) });
  }
  return out;
}
