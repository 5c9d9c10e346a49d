import { z } from "zod";
import { share } from "../base/setting-types.js";
import { predictorHidden } from "./predictor-settings.js";
import { projectorWidths } from "./projector-settings.js";
import { repulsionSettings } from "./repulsion-settings.js";

export const byolSettings = z.strictObject({
  name: z.literal("byol"),
  ...projectorWidths,
  dim: projectorWidths.dim.default(256),
  hidden: projectorWidths.hidden.unwrap().default(4096),
  predictorHidden: predictorHidden(4096),
  momentum: share().default(0.99).describe("how slowly the momentum encoder follows at first; it rises to 1"),
  ...repulsionSettings,
});

export type ByolSettings = z.infer<typeof byolSettings>;
