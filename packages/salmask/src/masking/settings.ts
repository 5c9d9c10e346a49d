/** Settings for what is masked, how much of it, and the fill. */
import { z } from "zod";
import { count, odd, type ReadOnly, range, share } from "../base/setting-types.js";

export const fillNames = [
  "high-pass",
  "blur",
  "mean",
  "zero",
  "noise",
  "other-photo",
  "hidden",
  "none",
] as const;
export type FillName = (typeof fillNames)[number];

const highPass = z
  .strictObject({
    /** In the paper the kernel ends at 1.1 sigma, so it is nearly a box. */
    kernel: odd().default(11).describe("high-pass: side of the filter's Gaussian in pixels"),
    sigma: z.number().positive().default(5).describe("high-pass: its standard deviation in pixels"),
    /** In units of the normalised crop. */
    noise: z
      .tuple([z.number().min(0), z.number().min(0)])
      .default([0.18, 0.14])
      .describe("high-pass: standard deviation of the noise: query, hard negative"),
    focal: share().default(0.2).describe("high-pass: share of views masked by one window"),
    channelwise: share()
      .default(0.7)
      .describe("high-pass: share of the other views whose channels are masked separately"),
  })
  .prefault({});

const blur = z
  .strictObject({
    /** In the paper the kernel ends at 1.5 sigma, so its size matters in addition to sigma. */
    kernel: odd().default(31).describe("blur: side of the strong blur's Gaussian in pixels"),
    sigma: z.number().positive().default(10).describe("blur: its standard deviation in pixels"),
  })
  .prefault({});

const negative = z
  .strictObject({
    weight: z.number().min(0).default(2).describe("rho, the factor on a hard negative's similarity"),
    count: count(0, 8)
      .default(1)
      .describe("hard negatives per photo; 0 for a method whose loss has no place for them"),
    ratio: range(0, 1).default([0.4, 0.7]).describe("share of the object that a hard negative loses"),
    /** For study: `background` should harm, because such a negative still shows the whole object. */
    what: z
      .enum(["object", "random", "background"])
      .optional()
      .describe(
        "cells that a hard negative loses, as many as ratio says of the object; default: of the object; others are for study",
      ),
    /**
     * `own`: each query has the negatives of its own key. `shared`: for study only, all queries have those of the
     * batch's first key, as in the released code. That code applies batch norm to them separately and has one first key
     * per GPU. Here M of them pass through the encoder together with the keys (`own`: M per key), and a batch has one
     * first key for any number of groups.
     */
    of: z
      .enum(["own", "shared"])
      .default("own")
      .describe("own: negatives of the own photo; shared: of the first photo, an error in the released code"),
  })
  .prefault({});

export const maskSettings = z
  .strictObject({
    fill: z
      .enum(fillNames)
      .default("high-pass")
      .describe(
        "what replaces masked cells; hidden: a transformer is not shown them; none: contrastive learning without masks",
      ),
    branch: z
      .enum(["query", "key", "both", "none"])
      .default("query")
      .describe("which encoder's view is masked"),
    /** `saliency`: object and background lose the same share. */
    cells: z
      .enum(["saliency", "random"])
      .default("saliency")
      .describe("how masked cells are chosen; random: a control that ignores the object"),
    grid: count(1, 128)
      .optional()
      .describe(
        "cells per side of a crop, in which it is masked; a divisor of data.crop; default: one per position of the network's last feature maps",
      ),
    /** Drawn uniformly between the two numbers for each image. */
    ratio: range(0, 1).default([0.05, 0.25]).describe("share of a view's cells to mask"),
    foregroundShare: share()
      .optional()
      .describe("share of the masked cells on the object; default: equal shares of object and background"),
    odds: z
      .union([z.number().min(0), z.literal("infinite")])
      .optional()
      .describe(
        "how many times as often a cell of the object is masked as one of the background, at the same total; default: 1",
      ),
    negative,
    highPass,
    blur,
    /** In units of the normalised crop, where photos have a deviation of about 1. */
    noise: z
      .number()
      .min(0)
      .optional()
      .describe("noise: standard deviation of the noise that masked cells get; default: 1"),
    /**
     * `mixed`: MixMask's loss (Vishniakov et al. 2022). `own`: that of all other fills, so that fills can be compared.
     */
    otherPhotoLoss: z
      .enum(["mixed", "own"])
      .optional()
      .describe(
        "other-photo: what a query is compared with; mixed (default): both photos' keys by their shares, and the unmasked query with its own; own: its own key",
      ),
  })
  .prefault({});

/** What is masked, how much of it, and what masked pixels show. */
export interface MaskSettings extends z.infer<typeof maskSettings> {}

export type HighPassOptions = ReadOnly<MaskSettings["highPass"]>;
export type BlurOptions = ReadOnly<MaskSettings["blur"]>;

/** The settings of all fills that have settings. */
export type FillSettings = ReadOnly<Pick<MaskSettings, "highPass" | "blur" | "noise">>;
