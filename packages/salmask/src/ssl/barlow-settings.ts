import { z } from "zod";
import { projectorWidths } from "./projector-settings.js";

export const barlowSettings = z.strictObject({
  name: z.literal("barlow"),
  ...projectorWidths,
  dim: projectorWidths.dim.default(8192),
  hidden: projectorWidths.hidden.unwrap().default(8192),
  redundancy: z
    .number()
    .min(0)
    .default(0.0051)
    .describe("barlow: lambda, the weight of correlations between different dimensions"),
});

export type BarlowSettings = z.infer<typeof barlowSettings>;
