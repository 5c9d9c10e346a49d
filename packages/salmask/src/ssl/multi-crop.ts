/**
 * Views of methods with multi-crop (Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster
 * Assignments", section 3.2): two large crops of a photo, each both a source and a target, and small ones, which are sources
 * alone. Large crops are masked as sources and whole as targets. Small crops show little of the object, and are not masked.
 */
import { ops, type Tensor } from "@salmask/torch";
import { gridFor } from "../masking/grid.js";
import { strideOf } from "../models/registry.js";
import type { ViewKind, ViewRecipe } from "../views/recipe.js";
import type { View } from "../views/view.js";
import type { HostSettings } from "./method-maker.js";
import { mirroredViews } from "./mirrored-views.js";
import type { MultiCropSettings } from "./multi-crop-settings.js";

/** 96 pixels beside 224, as in the paper. */
const usualShare = 3 / 7;

/** Side of a small crop in pixels. Throws UsageError `crop-not-multiple` if the network's stride does not divide it. */
export function localCropOf({ data, model }: HostSettings, { localCrop }: MultiCropSettings): number {
  const stride = strideOf(model);
  const usual = Math.max(1, Math.round((usualShare * data.crop) / stride)) * stride;
  const { rows, cell } = gridFor(localCrop === "auto" ? usual : localCrop, stride);
  return rows * cell;
}

/** {@link mirroredViews}, then small crops. */
export function multiCropViews(settings: HostSettings, crops: MultiCropSettings): ViewRecipe {
  const recipe = mirroredViews(settings);
  if (crops.localCrops === 0) return recipe;
  const local: ViewKind = {
    name: "local",
    count: crops.localCrops,
    crop: localCropOf(settings, crops),
    augment: { ...settings.augment, scale: crops.localScale },
    mask: null,
    findsObject: false,
  };
  return { ...recipe, kinds: [...recipe.kinds, local] };
}

/** What passes through the backbone together: the large crops as sources, `[B, 3, H, W]` each, then the small ones. */
export function bySize(sources: readonly Tensor[], views: readonly View[]): Tensor[] {
  const small = views.slice(2).map(({ clean }) => clean); // [B, 3, h, w] each
  return [sources, small].filter(({ length }) => length > 0).map((crops) => ops.cat(crops));
}
