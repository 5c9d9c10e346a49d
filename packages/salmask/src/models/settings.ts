/** Settings of the encoder. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const archNames = ["resnet18", "resnet34", "resnet50", "resnet101"] as const;

export const modelSettings = z
  .strictObject({
    arch: z.enum(archNames).default("resnet50").describe("the encoder"),
    width: count(4, 512).default(64).describe("channels of the encoder's first stage"),
    stem: z
      .enum(["imagenet", "small"])
      .default("imagenet")
      .describe("the encoder's first layers; small: for photos of 32 to 64 pixels"),
  })
  .prefault({});

export type ModelSettings = z.infer<typeof modelSettings>;
