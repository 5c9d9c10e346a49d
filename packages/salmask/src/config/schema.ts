/** The whole configuration of a run, composed of what each room asks for, and what must fit across rooms. */
import { z } from "zod";
import { count } from "../base/setting-types.js";
import { computeSettings } from "../compute/settings.js";
import { dataSettings } from "../data/settings.js";
import { maskSettings } from "../masking/settings.js";
import { modelSettings } from "../models/settings.js";
import { saliencySettings } from "../saliency/settings.js";
import { occlusionSettings } from "../ssl/occlusion/settings.js";
import { methodSettings } from "../ssl/settings.js";
import { trainSettings } from "../training/settings.js";
import { viewSettings } from "../views/settings.js";

export const configSchema = z
  .strictObject({
    seed: count(0, 2 ** 32 - 1)
      .default(0)
      .describe("names every random decision of the run"),
    ...computeSettings,
    data: dataSettings,
    model: modelSettings,
    method: methodSettings,
    occlusion: occlusionSettings,
    augment: viewSettings,
    mask: maskSettings,
    saliency: saliencySettings,
    train: trainSettings,
  })
  .superRefine(({ occlusion, mask }, context) => {
    if (occlusion.name === "none" || mask.fill === "none") return;
    context.addIssue({
      code: "custom",
      path: ["mask", "fill"],
      message: `none beside occlusion.name ${occlusion.name}, which masks the query itself`,
    });
  });

/** A run's settings, complete. */
export type RunConfig = z.infer<typeof configSchema>;

/** A setting as people address it: its dotted key, what it means and what it is without being set. */
export interface Setting {
  key: string;
  description: string;
  default: unknown;
}

/** Every setting of the schema, in its order; of a choice between kinds, those of each. */
export function settings(): Setting[] {
  const defaults: unknown = configSchema.parse({});
  const collect = (shape: Record<string, z.core.$ZodType>, prefix: string, values: unknown): Setting[] =>
    Object.entries(shape).flatMap(([name, type]) => {
      const key = `${prefix}${name}`;
      const value: unknown =
        typeof values === "object" && values !== null ? Reflect.get(values, name) : undefined;
      const kinds = objectsOf(type);
      if (kinds.length > 0) return kinds.flatMap(({ shape: inner }) => collect(inner, `${key}.`, value));
      return [{ key, description: z.globalRegistry.get(type)?.description ?? "", default: value }];
    });
  const found = new Map<string, Setting>();
  for (const setting of collect(configSchema.shape, "", defaults)) {
    if (!found.has(setting.key)) found.set(setting.key, setting);
  }
  return [...found.values()];
}

/** The objects that a type stands for: one, several to choose from, or none where it is a plain value. */
function objectsOf(type: z.core.$ZodType): z.ZodObject[] {
  if (type instanceof z.ZodObject) return [type];
  if (type instanceof z.ZodPrefault) return objectsOf(type.unwrap());
  if (type instanceof z.ZodPipe) return objectsOf(type.out);
  if (type instanceof z.ZodDiscriminatedUnion) return type.options.flatMap(objectsOf);
  return [];
}
