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
    openShards: count(1, 1024)
      .default(16)
      .describe("of photos in shards: how many shards are read at the same time"),
    shuffleBuffer: count(1)
      .default(4096)
      .describe(
        "of photos in shards: how many wait in memory, from which the next one is drawn; at most 256 MiB of their files",
      ),
    cache: z.string().optional().describe("folder of the stored photos, shared by runs"),
  })
  .prefault({});
