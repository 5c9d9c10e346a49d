/**
 * Views of methods that compare in both directions: each of two views is the source of one direction and the target of the other.
 * Sources are masked and targets are not, so a view may be seen in both forms (docs/method.md).
 */
import type { Tensor } from "@salmask/torch";
import type { ViewKind, ViewRecipe } from "../views/recipe.js";
import type { View } from "../views/view.js";
import type { HostSettings } from "./method-maker.js";
import { queryAndKey } from "./query-and-key.js";

/** Neither is the query or the key. */
const names = ["first", "second"];

type Branch = HostSettings["mask"]["branch"];

/** As {@link queryAndKey}, but where one branch is masked, both views have a masked form. */
export function mirroredViews(settings: HostSettings): ViewRecipe {
  const recipe = queryAndKey(settings);
  const mask = recipe.kinds.map((kind) => kind.mask).find((given) => given !== null) ?? null;
  const { kinds, negatives } = recipe;
  const renamed = (kind: ViewKind, i: number): ViewKind => ({ ...kind, name: names[i], mask });
  return {
    ...recipe,
    kinds: kinds.map(renamed),
    negatives: negatives === null ? null : { ...negatives, from: names[1] },
  };
}

/** The form of each view as a source: masked, except where `branch` is that of the targets alone. */
export function mirroredSources(views: readonly View[], branch: Branch): View[] {
  const pair = views.slice(0, 2);
  return branch === "key" ? pair.map((view) => ({ ...view, masked: view.clean, mask: null })) : pair;
}

/** The pixels of each view as a target, float32 `[B, 3, H, W]` each: clean, except where `branch` has the targets masked. */
export function mirroredTargets(views: readonly View[], branch: Branch): Tensor[] {
  return views
    .slice(0, 2)
    .map(({ clean, masked }) => (branch === "key" || branch === "both" ? masked : clean));
}
