/** Settings for the size of views and stored photos, and for the cache. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const dataSettings = z
  .strictObject({
    crop: count(8, 1024)
      .default(224)
      .describe("side of a view in pixels; a multiple of the network's stride"),
    size: z
      .union([z.literal("auto"), count(8, 2048)])
      .default("auto")
      .describe("side of a stored photo in pixels; auto: somewhat larger than the crop"),
    cache: z.string().optional().describe("folder of the stored photos, shared by runs"),
  })
  .prefault({});
