import { gaussianBlur } from "../../image/gaussian-blur.js";
import type { HighPassOptions } from "../settings.js";
import type { Fill } from "./fill.js";
import { keyedNoise } from "./keyed-noise.js";

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
