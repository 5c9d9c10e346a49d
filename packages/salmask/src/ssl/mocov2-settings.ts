import { z } from "zod";
import { count, share } from "../base/setting-types.js";
import { projectorSettings } from "./projector-settings.js";

export const mocov2Settings = z.strictObject({
  name: z.literal("mocov2").describe("how the views are compared"),
  queue: count(1)
    .default(65536)
    .describe("mocov2: past keys to compare with; at most a quarter of the photos is best"),
  momentum: share().default(0.999).describe("how slowly the momentum encoder follows"),
  groups: count(1)
    .default(4)
    .describe("mocov2: parts of a batch with separate batch statistics; keys are shuffled over them"),
  ...projectorSettings,
});

export type Mocov2Settings = z.infer<typeof mocov2Settings>;
