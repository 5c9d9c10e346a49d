import { z } from "zod";
import { projectorSettings } from "./projector-settings.js";

export const simclrSettings = z.strictObject({ name: z.literal("simclr"), ...projectorSettings });

export type SimClrSettings = z.infer<typeof simclrSettings>;
