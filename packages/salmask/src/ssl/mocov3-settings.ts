import { z } from "zod";
import { share } from "../base/setting-types.js";
import { predictorHidden } from "./predictor-settings.js";
import { projectorSettings } from "./projector-settings.js";

export const mocov3Settings = z.strictObject({
  name: z.literal("mocov3"),
  ...projectorSettings,
  dim: projectorSettings.dim.default(256),
  hidden: projectorSettings.hidden.unwrap().default(4096),
  predictorHidden: predictorHidden(4096),
  momentum: share().default(0.99).describe("how slowly the momentum encoder follows at first; it rises to 1"),
});

export type Mocov3Settings = z.infer<typeof mocov3Settings>;
