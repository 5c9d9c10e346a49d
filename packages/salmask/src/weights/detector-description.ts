/** What a detector's file says of it beside its weights. */
import { z } from "zod";
import { odd } from "../base/setting-types.js";
import { detectionSettings } from "../detection/settings.js";
import { modelSettings } from "../models/settings.js";

export const detectorDescription = z.object({
  backbone: modelSettings,
  settings: detectionSettings,
  /** The numbers and names that the annotations gave them. */
  categories: z.array(z.object({ id: z.int(), name: z.string() })),
  /** The fixed first layer; null where photos are seen as they are. */
  highPass: z.object({ kernel: odd(), sigma: z.number().positive() }).nullable(),
});

/** What a detector is built from. It is JSON, so that its file can carry it. */
export interface DetectorDescription extends z.infer<typeof detectorDescription> {}
