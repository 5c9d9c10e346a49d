/** Settings that all methods have: how embeddings are computed and compared. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const projectorSettings = {
  temperature: z.number().positive().default(0.2).describe("divides the similarities"),
  dim: count(2, 65536).default(128).describe("length of an embedding"),
  hidden: count(2, 65536)
    .optional()
    .describe("width of the projector's middle layer; default: the encoder's output"),
};
