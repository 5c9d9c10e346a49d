/** Makes the views of a recipe from a batch of photos: draws, renders, finds the object, and masks. */
import { noGrad, scope, type Tensor } from "@salmask/torch";
import { StageClock } from "../base/stage-clock.js";
import { sent } from "../compute/compute.js";
import type { PackedDataset } from "../data/store/dataset.js";
import type { Foreground } from "../masking/foreground.js";
import { gridFor } from "../masking/grid.js";
import { firstNegative, type HardNegatives, hardNegatives } from "../masking/hard-negatives.js";
import { maskCrops } from "../masking/mask.js";
import { drawView, type ViewDraw } from "./draw.js";
import { unmasked, type ViewKind, type ViewRecipe } from "./recipe.js";
import { renderView } from "./render.js";
import type { BatchKey, BatchViews, View } from "./view.js";

/** A view before it is prepared and masked. */
export interface Crops {
  /** float32 `[B, 3, H, W]`, normalised and not filtered. */
  readonly pixels: Tensor;
  readonly draw: ViewDraw;
}

/** Finds the object of a view. */
export interface ObjectFinder {
  /** Whether views have a foreground now, or need none. While false, nothing is masked. */
  readonly active: boolean;
  /** For several views of the same photos, `ids`, `[B]`; null while there is no saliency, or if it is not needed. */
  foregrounds(views: readonly Crops[], ids: Int32Array): (Foreground | null)[];
}

/** The photos and the settings of views. */
export interface Scene {
  readonly dataset: Pick<PackedDataset, "images" | "originalSizes" | "size">;
  readonly finder: ObjectFinder;
  /** Side of a masked cell in pixels. */
  readonly cell: number;
  readonly device: string;
}

/**
 * Largest number of hard negatives per photo. Their view numbers in random keys are between the second view's and the
 * third's.
 */
const mostNegatives = 8;

/** Makes the views of a batch. The key identifies every random decision. The tensors belong to the surrounding scope. */
export function seeViews(
  recipe: ViewRecipe,
  scene: Scene,
  key: BatchKey,
  clock = new StageClock(),
): BatchViews {
  return maskedViews(recipe, scene, key, cropsOf(recipe, scene, key, clock), clock);
}

/** A recipe's kinds, one per view. */
function kindsOf({ kinds }: ViewRecipe): ViewKind[] {
  return kinds.flatMap((kind) => Array.from({ length: kind.count }, () => kind));
}

/** Draws and renders the views of a batch, in the recipe's order. */
export function cropsOf(
  recipe: ViewRecipe,
  { dataset, device }: Pick<Scene, "dataset" | "device">,
  key: BatchKey,
  clock = new StageClock(),
): Crops[] {
  const kinds = kindsOf(recipe);
  const photos = clock.in("data", () => sent(dataset.images(key.ids), device)); // uint8 [B, 3, S, S]
  return clock.in("augmentation", () => {
    // Draws all decisions before any pixels are computed: so the device does not wait for the host between views.
    const draws = kinds.map(({ augment }, view) =>
      drawView({ ...key, view }, key.ids, dataset.originalSizes, dataset.size, augment),
    );
    return kinds.map(({ crop }, view) => ({
      pixels: renderView(photos, draws[view], { crop }), // [B, 3, crop, crop]
      draw: draws[view],
    }));
  });
}

/** Finds the objects in the crops of a batch and masks them according to the recipe. */
export function maskedViews(
  recipe: ViewRecipe,
  { finder, cell }: Pick<Scene, "finder" | "cell">,
  key: BatchKey,
  crops: readonly Crops[],
  clock = new StageClock(),
): BatchViews {
  const kinds = kindsOf(recipe);
  const foregrounds = clock.in("saliency", () => foregroundsOf(finder, kinds, crops, key.ids));
  const shown = finder.active ? recipe : unmasked(recipe);
  return clock.in("masking", () => {
    const shownKinds = kindsOf(shown);
    const views = crops.map((crop, view) =>
      maskedView(crop, foregrounds[view], shownKinds[view], { recipe, cell, key, view }),
    );
    return { key, views, negatives: negativesOf(shown, kinds, views, { cell, key }) };
  });
}

/** The objects of the views that are asked for theirs, null for the others. */
function foregroundsOf(
  finder: ObjectFinder,
  kinds: readonly ViewKind[],
  crops: readonly Crops[],
  ids: Int32Array,
): (Foreground | null)[] {
  const asked = crops.filter((_, view) => kinds[view].findsObject !== false);
  const found = new Map(finder.foregrounds(asked, ids).map((object, i) => [asked[i], object]));
  return crops.map((crop) => found.get(crop) ?? null);
}

function maskedView(
  { pixels, draw }: Crops,
  foreground: Foreground | null,
  { crop, mask }: ViewKind,
  how: { recipe: ViewRecipe; cell: number; key: BatchKey; view: number },
): View {
  const { recipe, cell, key, view } = how;
  const { fill, cells } = recipe;
  const clean = noGrad(() => scope(() => fill.prepare(pixels))); // [B, 3, crop, crop]
  if (mask === null) return { clean, masked: clean, draw, foreground, mask: null };
  const number = view < firstNegative ? view : view + mostNegatives;
  const grid = gridFor(crop, cell);
  const maskKey = { ...key, view: number };
  const made = maskCrops(clean, foreground, maskKey, { ...mask, fill, cells, grid, role: "positive" });
  const partners = fill.partners?.(maskKey);
  return { clean, masked: made.pixels, draw, foreground, mask: made.draw, partners };
}

function negativesOf(
  { negatives, fill, cells }: ViewRecipe,
  kinds: readonly ViewKind[],
  views: readonly View[],
  { cell, key }: { cell: number; key: BatchKey },
): HardNegatives | null {
  if (negatives === null) return null;
  const from = kinds.findIndex(({ name }) => name === negatives.from);
  const { clean, foreground } = views[from];
  const grid = gridFor(kinds[from].crop, cell);
  return hardNegatives(clean, foreground, key, negatives, { fill, cells, grid });
}
