import { fillOf } from "../masking/fills/registry.js";
import type { ViewKind, ViewRecipe } from "../views/recipe.js";
import type { ViewOptions } from "../views/settings.js";
import type { HostSettings } from "./method-maker.js";

/** The views of methods with two views: a query and a key. The settings say which of them is masked, and how the key's differs. */
export function queryAndKey({ data, augment, augmentSecond, mask }: HostSettings): ViewRecipe {
  const { fill, branch, cells, ratio, foregroundShare, odds, negative } = mask;
  const isMasked = fill !== "none";
  const kind = (name: "query" | "key", options: ViewOptions): ViewKind => ({
    name,
    count: 1,
    crop: data.crop,
    augment: options,
    mask: isMasked && (branch === name || branch === "both") ? { ratio, foregroundShare, odds } : null,
  });
  const { count, ratio: removed, of, what } = negative;
  return {
    kinds: [kind("query", augment), kind("key", { ...augment, ...augmentSecond })],
    fill: fillOf(mask),
    cells,
    negatives: isMasked && count > 0 ? { count, ratio: removed, of, what, from: "key" } : null,
  };
}
