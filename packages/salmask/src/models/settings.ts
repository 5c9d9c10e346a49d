/** Settings of the encoder. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const modelSettings = z
  .strictObject({
    arch: z.enum(["resnet18", "resnet50"]).default("resnet50").describe("the encoder"),
    width: count(4, 512).default(64).describe("channels of the encoder's first stage"),
    stem: z
      .enum(["imagenet", "small"])
      .default("imagenet")
      .describe("the encoder's first layers; small: for photos of 32 to 64 pixels"),
  })
  .prefault({});

export type ModelSettings = z.infer<typeof modelSettings>;
