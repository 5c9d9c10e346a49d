/** Measures on which branch the embeddings of a photo vary more over its views. It should be the one with gradients. */
import { KeyedRandom, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Method } from "../../ssl/method.js";
import type { ViewRecipe } from "../../views/recipe.js";
import { type Scene, seeViews } from "../../views/see.js";

/** How the embeddings of one photo vary over its views, 0 (all the same) to 1, per branch. */
export interface BranchVariance {
  query: number;
  key: number;
}

/** The parts of a run that the measurement uses. */
export interface Looked {
  readonly config: { readonly seed: number };
  readonly scene: Scene & { readonly dataset: PackedDataset };
  readonly recipe: ViewRecipe;
  readonly method: Method;
}

const mostPhotos = 16;
const viewsOfPhoto = 8;

/**
 * Measures up to 16 photos with 8 views each, augmented and masked as for each branch in training. Photos and
 * augmentations are the same at every measurement of a run, so that measurements are comparable. The encoders are in
 * evaluation mode and use their running statistics. The measurement changes neither these nor any later random
 * decision.
 *
 * Wang et al. 2022, "On the Importance of Asymmetry for Siamese Representation Learning": variance helps in the query
 * branch and harms in the key branch.
 */
export function branchVariance({ config, scene, recipe, method }: Looked): BranchVariance {
  const { ids, seed } = lookedAt(config.seed, scene.dataset.length);
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

/** The photos out of `length` that a run is measured on, and the seed of their views. */
export function lookedAt(runSeed: number, length: number): { ids: Int32Array; seed: number } {
  const random = new KeyedRandom(runSeed, purpose.variance);
  const ids = random.permutation(length).slice(0, mostPhotos);
  return { ids, seed: random.uint32() };
}

/** `1 - |mean over views|^2`, the mean squared distance to that mean; `[V, B, dim]` with rows of length one. */
export function meanVariance(embeddings: Tensor): number {
  return scope(() => 1 - embeddings.mean([0]).pow(2).sum([1]).mean().item());
}
