import type { BatchNormRows, Compute } from "../compute/compute.js";
import type { MaskSettings } from "../masking/settings.js";
import type { ModelSettings } from "../models/settings.js";
import type { UsualOptimizer } from "../training/optimizer.js";
import type { ViewRecipe } from "../views/recipe.js";
import type { ViewDifferences, ViewOptions } from "../views/settings.js";
import type { Method } from "./method.js";
import type { OcclusionSettings } from "./occlusion/settings.js";
import type { MethodSettings } from "./settings.js";

/** The settings from which a method, its views and its occlusion model are made. */
export interface HostSettings {
  readonly seed: number;
  readonly data: { readonly crop: number };
  readonly model: ModelSettings;
  readonly method: MethodSettings;
  readonly occlusion: OcclusionSettings;
  readonly augment: ViewOptions;
  readonly augmentSecond: ViewDifferences;
  readonly mask: MaskSettings;
  readonly train: { readonly batchSize: number };
}

/** Makes a method and its recipe of views. Implement it for a method outside this package. */
export interface MethodMaker {
  /**
   * A method with new random weights, which `settings.seed` draws, on the device of `compute`. The run frees it. It sees its rank's part
   * of each batch; what it needs of the others' it gets from `compute.ranks`.
   */
  create(settings: HostSettings, compute: Compute): Method;
  /** The views that the method asks for. */
  recipe(settings: HostSettings): ViewRecipe;
  /** What trains it if the settings name no optimizer; MoCo v2's if it is missing. */
  optimizer?(settings: HostSettings): UsualOptimizer;
  /** Which rows batch norm sees with several ranks if the settings do not say it; those of all ranks if it is missing. */
  batchNorm?(settings: HostSettings): BatchNormRows;
}

/** A maker that says what trains its method, as those of this package do. */
export type BuiltInMaker = MethodMaker & Required<Pick<MethodMaker, "optimizer">>;
