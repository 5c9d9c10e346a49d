import { availableParallelism } from "node:os";
import { setNumThreads } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { computeOf } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import { surveyPhotos } from "../../data/sources/survey.js";
import { RunFolder } from "../../runs/run-folder.js";
import { chooseRecipe, type Recipe, type Settle } from "./recipe.js";

export interface RecipeRequest extends Pick<RunConfig, "device" | "precision" | "threads"> {
  /** Folder, `.tar` or `.tar.gz` of photos, or shards. */
  readonly photos: string;
  /** Folder of all caches, in which training finds again what was looked up here. */
  readonly cacheDir: string | undefined;
  /** The folder of the run; it must not contain a run. */
  readonly out: string;
  /** Training time in seconds. */
  readonly seconds: number;
  /** Puts the user's own settings over those of a recipe. */
  readonly settle: Settle;
  readonly signal?: AbortSignal;
}

/**
 * Chooses the settings that the user did not name from the photos and from the speed of this machine. Throws DataError `too-few-photos`, UsageError if
 * the folder of the run is not free, InterruptedError.
 */
export async function recipeFor(request: RecipeRequest): Promise<Recipe> {
  const { photos, cacheDir, out, seconds, settle, device, precision, threads, signal } = request;
  new RunFolder(out).refuseTaken();
  const survey = await surveyPhotos(photos, signal, cacheDir);
  if (survey.count < leastPhotos || survey.shortSide === null) {
    throw new DataError(
      "too-few-photos",
      `Expected at least ${leastPhotos} photos in ${photos}, got ${survey.shortSide === null ? "none that can be read" : survey.count}.`,
    );
  }
  setNumThreads(threads === "auto" ? availableParallelism() : threads);
  const compute = computeOf({ device, precision });
  const situation = { photos: survey.count, shortSide: survey.shortSide, seconds, compute, signal };
  return chooseRecipe(situation, settle);
}

const leastPhotos = 16;
