/** Settings of methods that also see small crops of a photo. */
import { z } from "zod";
import { count, range } from "../base/setting-types.js";

export const multiCropSettings = {
  localCrops: count(0, 32)
    .default(6)
    .describe("swav, dino: small crops per photo, beside its two large ones"),
  localCrop: z
    .union([z.literal("auto"), count(8, 1024)])
    .default("auto")
    .describe(
      "swav, dino: side of a small crop in pixels; auto: three sevenths of data.crop, to the nearest whole number of cells",
    ),
  localScale: range(0, 1)
    .default([0.05, 0.14])
    .describe(
      "swav, dino: share of a photo's area that a small crop covers; augment.scale is that of large crops",
    ),
};

const settings = z.strictObject(multiCropSettings);

export type MultiCropSettings = z.infer<typeof settings>;
