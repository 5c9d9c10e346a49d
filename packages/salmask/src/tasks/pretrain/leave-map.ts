/** Leaves a map of a run's embeddings in its folder, for those who watch it. */
import { KeyedRandom, scope, type Tensor } from "@salmask/torch";
import { UMAP } from "umap-js";
import { messageOf } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { spread } from "../../base/spread.js";
import type { Compute } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { pixelsOf, tilesJpeg } from "../../image/tiles.js";
import { fillOf } from "../../masking/fills/registry.js";
import { NearestRows } from "../../metrics/nearest.js";
import type { Backbone } from "../../models/backbone.js";
import type { RunFolder } from "../../runs/run-folder.js";
import { extractFeatures } from "../probe/features.js";

/** Fewer photos make no map. */
const leastPhotos = 30;
const mostPhotos = 1000;
/** The encoder looks once at a photo for as many that it was trained on: a small share of the training's work. */
const seenPerPhoto = 100;
const neighbours = 15;
const side = 32;
const batchSize = 256;
/** Steps of the layout after which others get their turn. */
const turn = 10;

export interface MapOptions {
  readonly folder: RunFolder;
  readonly dataset: PackedDataset;
  readonly config: Pick<RunConfig, "seed" | "data" | "mask">;
  readonly compute: Compute;
  readonly step: number;
  /** Photos that were trained on, each as often as it was. */
  readonly seen: number;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

/**
 * Leaves the map of a run whose results are written. Nothing is left where the run was short, has few photos, or is asked to end; what
 * cannot be written is a warning.
 */
export async function leaveMap(backbone: Backbone, options: MapOptions): Promise<void> {
  try {
    await writeMap(backbone, options);
  } catch (error) {
    if (options.signal?.aborted === true) return;
    const why = messageOf(error);
    options.report({
      kind: "warning",
      code: "map-not-left",
      message: `the map of embeddings could not be made for salmask watch: ${why}`,
    });
  }
}

/**
 * Lays photos out on a plane by their features (UMAP of McInnes et al. 2018, over cosines), and writes their places and small
 * pictures.
 */
async function writeMap(backbone: Backbone, options: MapOptions): Promise<void> {
  const { folder, dataset, config, compute, step, seen, signal } = options;
  const ids = spread(dataset.length, Math.min(mostPhotos, Math.floor(seen / seenPerPhoto)));
  if (ids.length < leastPhotos || signal?.aborted === true) return;
  const { seed, data, mask } = config;
  const there: Compute = { device: compute.device, precision: "float32" };
  const how = { crop: data.crop, fill: fillOf(mask), batchSize, compute: there, signal };
  using features = await extractFeatures(backbone, dataset, how, ids); // [n, d]
  const places = await layout(features, seed, signal);
  if (places === null) return;
  const across = Math.ceil(Math.sqrt(ids.length));
  const pictures: Picture[] = [];
  for (const id of ids) {
    const release = await dataset.stream?.fetch(Int32Array.of(id));
    pictures.push(thumbnailOf(dataset, id));
    release?.();
  }
  await folder.writeMap(await tilesJpeg(pictures, { side, across }), {
    step,
    side,
    across,
    photos: Array.from(ids, (id, i) => ({
      name: dataset.names[id],
      label: dataset.classes[dataset.labels[id]] ?? null,
      ...places[i],
    })),
  });
}

type Picture = ReturnType<typeof pixelsOf>;

/** `[3, S, S]` as bytes. */
function thumbnailOf(dataset: PackedDataset, id: number): Picture {
  return scope(() =>
    pixelsOf(dataset.images(Int32Array.of(id)).select(0, 0).toCopy({ dtype: "float32" }).div(255)),
  );
}

/** A place in [0, 1] x [0, 1] for each row of `[n, d]`; null where it was stopped. */
async function layout(
  features: Tensor,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<{ x: number; y: number }[] | null> {
  const random = new KeyedRandom(seed, purpose.map);
  const nNeighbors = Math.min(neighbours, features.shape[0] - 1);
  const umap = new UMAP({ nNeighbors, random: () => random.uint32() / 2 ** 32 });
  using index = new NearestRows(features);
  const { rows, cosines } = index.find(features, nNeighbors);
  const nearest = rows.map((row) => [...row]);
  umap.setPrecomputedKNN(
    nearest,
    cosines.map((row) => row.map((cosine) => 1 - cosine)),
  );
  // The rows themselves are not looked at: their neighbours are known.
  const steps = umap.initializeFit(nearest);
  for (let done = 1; done <= steps; done++) {
    umap.step();
    if (done % turn !== 0) continue;
    await new Promise(setImmediate);
    if (signal?.aborted === true) return null;
  }
  return unitPlaces(umap.getEmbedding());
}

function unitPlaces(places: readonly (readonly number[])[]): { x: number; y: number }[] {
  const [xs, ys] = [0, 1].map((axis) => {
    const values = places.map((place) => place[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return values.map((value) => Number(((value - low) / (high - low || 1)).toFixed(4)));
  });
  return xs.map((x, i) => ({ x, y: ys[i] }));
}
