/** Settings of the encoder. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const archNames = ["resnet18", "resnet34", "resnet50", "resnet101", "convnext_tiny"] as const;

/** The width of each architecture's paper. */
const usualWidths: Readonly<Record<(typeof archNames)[number], number>> = {
  resnet18: 64,
  resnet34: 64,
  resnet50: 64,
  resnet101: 64,
  convnext_tiny: 96,
};

/** The width that is left out is the architecture's. */
function withUsualWidth(given: unknown): unknown {
  if (typeof given !== "object" || given === null || !("arch" in given) || "width" in given) return given;
  const arch = archNames.find((name) => name === given.arch);
  return arch === undefined ? given : { width: usualWidths[arch], ...given };
}

const fields = z.strictObject({
  arch: z.enum(archNames).default("resnet50").describe("the encoder"),
  width: count(4, 512)
    .default(64)
    .describe("channels of the encoder's first stage; if it is left out, convnext_tiny has 96"),
  stem: z
    .enum(["imagenet", "small"])
    .default("imagenet")
    .describe("the encoder's first layers; small: for photos of 32 to 64 pixels"),
});

export const modelSettings = z.preprocess(withUsualWidth, fields).prefault({});

export type ModelSettings = z.infer<typeof modelSettings>;
