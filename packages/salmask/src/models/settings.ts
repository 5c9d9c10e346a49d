/** Settings of the encoder. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

const transformers = ["vit_tiny", "vit_small"] as const;

export const archNames = [
  "resnet18",
  "resnet34",
  "resnet50",
  "resnet101",
  "convnext_tiny",
  ...transformers,
] as const;

/** The width of each architecture's paper. */
const usualWidths: Readonly<Record<(typeof archNames)[number], number>> = {
  resnet18: 64,
  resnet34: 64,
  resnet50: 64,
  resnet101: 64,
  convnext_tiny: 96,
  vit_tiny: 192,
  vit_small: 384,
};

/** The width that is left out is the architecture's. */
function withUsualWidth(given: unknown): unknown {
  if (typeof given !== "object" || given === null || !("arch" in given) || "width" in given) return given;
  const arch = archNames.find((name) => name === given.arch);
  return arch === undefined ? given : { width: usualWidths[arch], ...given };
}

/** Whether an architecture looks at patches. */
export const isTransformer = (arch: (typeof archNames)[number]): boolean =>
  transformers.some((name) => name === arch);

const fields = z
  .strictObject({
    arch: z.enum(archNames).default("resnet50").describe("the encoder"),
    width: count(4, 512)
      .default(64)
      .describe(
        "channels of the encoder's first stage; if it is left out, convnext_tiny has 96, vit_tiny 192, vit_small 384",
      ),
    stem: z
      .enum(["imagenet", "small"])
      .default("imagenet")
      .describe("the encoder's first layers; small: for photos of 32 to 64 pixels"),
    patch: count(1, 64)
      .optional()
      .describe("vit: side of a patch in pixels; default: 16, with the small stem 4"),
    positions: count(1, 256)
      .optional()
      .describe(
        "vit: patches along a side that positions are learned for, and others interpolated; default: those of 224 px, with the small stem of 32 px",
      ),
    hiddenPatches: z
      .enum(["drop", "mask-token"])
      .optional()
      .describe("vit: what becomes of the patches that mask.fill hidden hides; default: drop"),
  })
  .superRefine(({ arch, patch, positions, hiddenPatches }, context) => {
    if (isTransformer(arch)) return;
    for (const [name, value] of Object.entries({ patch, positions, hiddenPatches }))
      if (value !== undefined)
        context.addIssue({ code: "custom", path: [name], message: `none for ${arch}, which has no patches` });
  });

export const modelSettings = z.preprocess(withUsualWidth, fields).prefault({});

/** Architecture, width and stem of a backbone. */
export interface ModelSettings extends z.infer<typeof modelSettings> {}
