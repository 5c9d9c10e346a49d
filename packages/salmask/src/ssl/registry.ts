import type { Compute } from "../compute/compute.js";
import { fillOf } from "../masking/fills/registry.js";
import type { MaskSettings } from "../masking/settings.js";
import type { EncoderOptions } from "../models/encoder.js";
import type { ModelSettings } from "../models/settings.js";
import type { ViewKind, ViewRecipe } from "../views/recipe.js";
import type { ViewOptions } from "../views/settings.js";
import type { Method } from "./method.js";
import { Moco } from "./moco.js";
import { Occlusion } from "./occlusion/occlusion.js";
import type { OcclusionSettings } from "./occlusion/settings.js";
import type { MethodSettings } from "./settings.js";
import { SimClr } from "./simclr.js";

/** The settings from which a method, its views and its occlusion model are made. */
export interface HostSettings {
  readonly seed: number;
  readonly data: { readonly crop: number };
  readonly model: ModelSettings;
  readonly method: MethodSettings;
  readonly occlusion: OcclusionSettings;
  readonly augment: ViewOptions;
  readonly mask: MaskSettings;
}

/** The method of the settings. To add one, add a case here and its settings in `settings.ts`. */
export function methodOf(settings: HostSettings, compute?: Compute): Method {
  const { seed, method, mask, model } = settings;
  const { temperature, hidden, dim } = method;
  const encoder: EncoderOptions = { backbone: model, hidden, dim, compute };
  const shared = { seed, encoder, temperature, negativeWeight: mask.negative.weight };
  switch (method.name) {
    case "mocov2":
      return new Moco({ ...shared, queue: method.queue, momentum: method.momentum, groups: method.groups });
    case "simclr":
      return new SimClr(shared);
  }
}

/** Makes a method and its recipe of views. Implement it for a method outside this package. */
export interface MethodMaker {
  create(settings: HostSettings, compute: Compute): Method;
  recipe(settings: HostSettings): ViewRecipe;
}

/** The views of methods with two views: a query and a key. The settings say which of them is masked. */
export function recipeOf({ data, augment, mask }: HostSettings): ViewRecipe {
  const { fill, branch, cells, ratio, foregroundShare, negative } = mask;
  const isMasked = fill !== "none";
  const kind = (name: "query" | "key"): ViewKind => ({
    name,
    count: 1,
    crop: data.crop,
    augment,
    mask: isMasked && (branch === name || branch === "both") ? { ratio, foregroundShare } : null,
  });
  const { count, ratio: removed, of } = negative;
  return {
    kinds: [kind("query"), kind("key")],
    fill: fillOf(mask),
    cells,
    negatives: isMasked && count > 0 ? { count, ratio: removed, of, from: "key" } : null,
  };
}

/** The occlusion model of the settings; null if they have none. */
export function occlusionOf(settings: HostSettings, compute?: Compute): Occlusion | null {
  const { seed, occlusion, data } = settings;
  if (occlusion.name === "none") return null;
  return new Occlusion({ ...occlusion, seed, crop: data.crop, compute });
}

/** The methods in this package. */
export const builtInMethods: MethodMaker = { create: methodOf, recipe: recipeOf };
