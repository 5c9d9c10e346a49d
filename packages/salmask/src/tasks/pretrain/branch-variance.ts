/** On which side of the comparison a photo's views differ more; the side that the loss goes through should be it. */
import { KeyedRandom, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Method } from "../../ssl/method.js";
import type { ViewRecipe } from "../../views/recipe.js";
import { type Scene, seeViews } from "../../views/see.js";

/** How one photo's embeddings vary over its views, 0 (all the same) to 1, by the branch that made them. */
export interface BranchVariance {
  query: number;
  key: number;
}

/** What is looked at, and by which settings. */
export interface Looked {
  readonly config: { readonly seed: number };
  readonly scene: Scene & { readonly dataset: PackedDataset };
  readonly recipe: ViewRecipe;
  readonly method: Method;
}

const mostPhotos = 16;
const viewsOfPhoto = 8;

/**
 * Looks at up to 16 photos, 8 views each, augmented and masked as each branch sees them. Photos and augmentations are
 * the same at every look of a run, so that looks compare. The encoders are in evaluation, by running statistics, and
 * neither those nor any later random decision is changed.
 *
 * Wang et al. 2022, "On the Importance of Asymmetry for Siamese Representation Learning": variance helps on the query's
 * side and harms on the key's.
 */
export function branchVariance({ config, scene, recipe, method }: Looked): BranchVariance {
  const random = new KeyedRandom(config.seed, purpose.variance);
  const ids = random.permutation(scene.dataset.length).slice(0, mostPhotos);
  const seed = random.uint32();
  return noGrad(() =>
    scope(() => {
      const embeddings = Array.from({ length: viewsOfPhoto }, (_, turn) =>
        scope(() =>
          method.embed(seeViews({ ...recipe, negatives: null }, scene, { seed, epoch: turn, ids })),
        ),
      );
      return {
        query: meanVariance(ops.stack(embeddings.map(({ query }) => query))), // of [V, B, dim]
        key: meanVariance(ops.stack(embeddings.map(({ key }) => key))),
      };
    }),
  );
}

/** `1 - |mean over views|^2`, which is the mean squared distance to that mean; `[V, B, dim]` of rows of length one. */
export function meanVariance(embeddings: Tensor): number {
  return scope(() => 1 - embeddings.mean([0]).pow(2).sum([1]).mean().item());
}
