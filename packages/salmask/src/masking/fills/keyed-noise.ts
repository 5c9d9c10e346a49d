import { empty, fromTypedArray, Generator, KeyedRandom, ops, type Tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { MaskKey } from "../draw.js";

/** Gaussian noise in the shape of `like`, `[B, 3, H, W]`. The noise of an image depends only on its key. */
export function keyedNoise(like: Tensor, key: MaskKey, std: number): Tensor {
  const out = empty(like.shape, { device: like.device }); // [B, 3, H, W]
  const seeds = Array.from(key.ids, (id) =>
    new KeyedRandom(key.seed, purpose.noise, key.epoch, id, key.view).uint32(),
  );
  if (like.device === "cpu") {
    ops.fastNormalEach_(out, fromTypedArray(BigInt64Array.from(seeds, BigInt), [seeds.length]), { std });
  } else {
    const generator = new Generator(0, like.device);
    for (const [i, seed] of seeds.entries())
      ops.normal_(out.narrow(0, i, 1), { std, generator: generator.manualSeed(seed) });
  }
  return out;
}
