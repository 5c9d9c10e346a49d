import { z } from "zod";
import { count, share } from "../base/setting-types.js";
import { projectorWidths } from "./projector-settings.js";
import { repulsionSettings } from "./repulsion-settings.js";

export const byolSettings = z.strictObject({
  name: z.literal("byol"),
  ...projectorWidths,
  dim: projectorWidths.dim.default(256),
  hidden: projectorWidths.hidden.unwrap().default(4096),
  predictorHidden: count(2, 65536)
    .default(4096)
    .describe("byol, simsiam: width of the predictor's middle layer"),
  momentum: share().default(0.99).describe("how slowly the momentum encoder follows at first; it rises to 1"),
  ...repulsionSettings,
});

export type ByolSettings = z.infer<typeof byolSettings>;
