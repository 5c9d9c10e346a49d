/** Settings for comparing views. To add a method, write a file of settings and add it here. */
import { z } from "zod";
import { named } from "../base/setting-types.js";
import { mocov2Settings } from "./mocov2-settings.js";
import { simclrSettings } from "./simclr-settings.js";

export const methodSettings = z
  .preprocess(named("mocov2"), z.discriminatedUnion("name", [mocov2Settings, simclrSettings]))
  .prefault({});

export type MethodSettings = z.infer<typeof methodSettings>;
