import { z } from "zod";
import { count } from "../base/setting-types.js";
import { projectorWidths } from "./projector-settings.js";
import { repulsionSettings } from "./repulsion-settings.js";

export const simsiamSettings = z.strictObject({
  name: z.literal("simsiam"),
  ...projectorWidths,
  dim: projectorWidths.dim.default(2048),
  hidden: projectorWidths.hidden.unwrap().default(2048),
  predictorHidden: count(2, 65536)
    .default(512)
    .describe("byol, simsiam: width of the predictor's middle layer"),
  ...repulsionSettings,
});

export type SimSiamSettings = z.infer<typeof simsiamSettings>;
