/** How methods without a softmax keep a prediction away from its photo's hard negatives. */
import { z } from "zod";

export const repulsionSettings = {
  repulsion: z
    .number()
    .min(0)
    .default(0.05)
    .describe(
      "weight of hard negatives: adds it times max(0, rho x similarity - repulsionMargin), rho being mask.negative.weight",
    ),
  repulsionMargin: z
    .number()
    .min(0)
    .default(0)
    .describe("similarity, times rho, from which a hard negative is pushed away"),
};
