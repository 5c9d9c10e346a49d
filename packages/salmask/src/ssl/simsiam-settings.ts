import { z } from "zod";
import { predictorHidden } from "./predictor-settings.js";
import { projectorWidths } from "./projector-settings.js";
import { repulsionSettings } from "./repulsion-settings.js";

export const simsiamSettings = z.strictObject({
  name: z.literal("simsiam"),
  ...projectorWidths,
  dim: projectorWidths.dim.default(2048),
  hidden: projectorWidths.hidden.unwrap().default(2048),
  predictorHidden: predictorHidden(512),
  ...repulsionSettings,
});

export type SimSiamSettings = z.infer<typeof simsiamSettings>;
