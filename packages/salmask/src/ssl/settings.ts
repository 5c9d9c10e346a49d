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

/** Methods whose losses have no place for hard negatives. */
const noPlaceForHardNegatives: ReadonlySet<unknown> = new Set<MethodSettings["name"]>([
  "swav",
  "dino",
  "barlow",
  "vicreg",
]);

const inBatch = "whose negatives are the other photos of the batch";
const ofBatch = "whose loss is of statistics over the batch";

/** Methods whose losses are no means over photos, with what they are. */
const ofWholeBatches: ReadonlyMap<MethodSettings["name"], string> = new Map([
  ["simclr", inBatch],
  ["mocov3", inBatch],
  ["swav", "which assigns a whole batch to its prototypes at once"],
  ["barlow", ofBatch],
  ["vicreg", ofBatch],
]);

/** Why the batches of a method cannot be divided into micro-batches; undefined where its loss is a mean over photos. */
export const whyWholeBatches = (name: MethodSettings["name"]): string | undefined => ofWholeBatches.get(name);

/** Whether the method `name` has no place for hard negatives. */
export const withoutHardNegatives = (name: unknown): boolean => noPlaceForHardNegatives.has(name);
