/** Settings that several methods have: how embeddings are computed and compared. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

/** Widths of a projector. The middle layers have the encoder's output's width where none is given. */
export const projectorWidths = {
  dim: count(2, 65536).default(128).describe("length of an embedding"),
  hidden: count(2, 65536)
    .optional()
    .describe("width of the projector's middle layers; none: the encoder's output"),
};

export const projectorSettings = {
  temperature: z.number().positive().default(0.2).describe("divides the similarities"),
  ...projectorWidths,
};
