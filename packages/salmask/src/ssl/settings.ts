/** Settings for comparing views. To add a method, write a file of settings and add it here. */
import { z } from "zod";
import { named } from "../base/setting-types.js";
import { barlowSettings } from "./barlow-settings.js";
import { byolSettings } from "./byol-settings.js";
import { dinoSettings } from "./dino-settings.js";
import { mocov2Settings } from "./mocov2-settings.js";
import { mocov3Settings } from "./mocov3-settings.js";
import { simclrSettings } from "./simclr-settings.js";
import { simsiamSettings } from "./simsiam-settings.js";
import { swavSettings } from "./swav-settings.js";
import { vicregSettings } from "./vicreg-settings.js";

export const methodSettings = z
  .preprocess(
    named("mocov2"),
    z.discriminatedUnion("name", [
      mocov2Settings,
      simclrSettings,
      byolSettings,
      simsiamSettings,
      swavSettings,
      dinoSettings,
      barlowSettings,
      vicregSettings,
      mocov3Settings,
    ]),
  )
  .prefault({});

export type MethodSettings = z.infer<typeof methodSettings>;

/** What a method's loss cannot do. */
interface Limits {
  readonly hasHardNegatives: boolean;
  /** Why it is no mean over photos, so that a batch cannot be divided; null where it is one. */
  readonly whyWhole: string | null;
}

const inBatch = "whose negatives are the other photos of the batch";
const ofBatch = "whose loss is of statistics over the batch";

const limits: Readonly<Record<MethodSettings["name"], Limits>> = {
  mocov2: { hasHardNegatives: true, whyWhole: null },
  simclr: { hasHardNegatives: true, whyWhole: inBatch },
  byol: { hasHardNegatives: true, whyWhole: null },
  simsiam: { hasHardNegatives: true, whyWhole: null },
  swav: { hasHardNegatives: false, whyWhole: "which assigns a whole batch to its prototypes at once" },
  dino: { hasHardNegatives: false, whyWhole: null },
  barlow: { hasHardNegatives: false, whyWhole: ofBatch },
  vicreg: { hasHardNegatives: false, whyWhole: ofBatch },
  mocov3: { hasHardNegatives: true, whyWhole: inBatch },
};

/** Why the batches of a method cannot be divided into micro-batches; null where its loss is a mean over photos. */
export const whyWholeBatches = (name: MethodSettings["name"]): string | null => limits[name].whyWhole;

const isMethod = (name: unknown): name is MethodSettings["name"] =>
  Object.keys(limits).includes(String(name));

/** Whether the method `name` has no place for hard negatives. */
export const withoutHardNegatives = (name: unknown): boolean =>
  isMethod(name) && !limits[name].hasHardNegatives;
