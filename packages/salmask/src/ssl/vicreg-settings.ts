import { z } from "zod";
import { projectorWidths } from "./projector-settings.js";

const weight = (usual: number, of: string) =>
  z.number().min(0).default(usual).describe(`vicreg: weight of ${of}`);

export const vicregSettings = z.strictObject({
  name: z.literal("vicreg"),
  ...projectorWidths,
  dim: projectorWidths.dim.default(8192),
  hidden: projectorWidths.hidden.unwrap().default(8192),
  invariance: weight(25, "the distance between a photo's embeddings"),
  variance: weight(25, "dimensions whose standard deviation is below 1"),
  covariance: weight(1, "covariances between different dimensions"),
});

export type VicregSettings = z.infer<typeof vicregSettings>;
