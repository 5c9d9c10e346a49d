/** One saliency map per photo; the maps of its views are cropped from it. */
import { keep, noGrad, scope, type Tensor, tensor, zeros } from "@salmask/torch";
import { InterruptedError } from "../../base/errors.js";
import { sent } from "../../compute/compute.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { gridFor } from "../../masking/grid.js";
import type { Ranks } from "../../ranks/ranks.js";
import { wholeView } from "../../views/draw.js";
import { renderView } from "../../views/render.js";
import type { LateSaliencySource, MapSize, SaliencySource } from "../source.js";
import { type MapStore, mapsInMemory, mapsOnDisk, storeOf } from "./map-store.js";

/** The input for maps of whole photos: squares of `side` pixels, divided into that many cells. */
export interface PhotoView extends MapSize {
  readonly side: number;
}

/** The view of whole photos: twice the side of the run's crops, so that a crop still contains enough cells. */
export function photoViewOf(crop: number, cell: number): PhotoView {
  const { rows, cols } = gridFor(2 * crop, cell);
  return { rows, cols, side: rows * cell };
}

/** The source and the photos from which maps are computed. */
export interface Asked {
  readonly source: SaliencySource;
  readonly dataset: PackedDataset;
  readonly view: PhotoView;
  readonly device: string;
}

/**
 * Pixels of the photos that pass through a source together (8 photos of 128 pixels). The source then needs less memory
 * than a step.
 */
const pixelsAtOnce = 2 ** 17;

/**
 * The maps of a data set's photos, on the CPU, where the cells of views are drawn from them. A photo's map is computed
 * when it is first needed, so that training starts at once. Sources process each photo independently, so the result
 * does not depend on the other photos of a batch.
 */
export class PhotoMaps {
  private readonly isKnown: Uint8Array;
  /** Photos whose maps all ranks know. The same on all ranks. */
  private readonly shared = new Set<number>();
  /** Seconds so far for computing maps. */
  secondsAsked = 0;

  /** Takes ownership of both. `maps` are those of `length` photos; if `asked` is given, no map is computed yet. */
  private constructor(
    private readonly maps: MapStore,
    length: number,
    private readonly asked: Asked | null,
  ) {
    this.isKnown = new Uint8Array(length).fill(Number(asked === null));
  }

  /** Maps that are already computed, `[N, rows, cols]`. */
  static known(maps: Tensor): PhotoMaps {
    return new PhotoMaps(storeOf(keep(maps)), maps.shape[0], null);
  }

  /** Maps that a source computes when they are needed. The source is freed with them. */
  static lazily(asked: Asked): PhotoMaps {
    const { view, dataset } = asked;
    const { length, stream } = dataset;
    // What is too large to be packed has too many maps for memory as well.
    const maps = stream === undefined ? mapsInMemory(length, view) : mapsOnDisk(stream.scratch, view);
    return new PhotoMaps(maps, length, asked);
  }

  /** The maps of the photos `ids` [B]: `[B, rows, cols]`. */
  of(ids: Int32Array): Tensor {
    const wanted = ids.filter((id, place) => this.isKnown[id] === 0 && ids.indexOf(id) === place);
    if (wanted.length > 0) {
      const began = performance.now();
      this.ask(wanted);
      this.secondsAsked += (performance.now() - began) / 1000;
    }
    return this.maps.read(ids); // [B, rows, cols]
  }

  /**
   * Makes the maps of this rank's photos of a batch, `ids` [B], where they are not known, and gets those that other ranks made of
   * theirs: so that each map is made once. Every rank calls it in each step.
   */
  share(ids: Int32Array, ranks: Ranks): void {
    if (ranks.worldSize === 1 || this.asked === null || this.shared.size === this.isKnown.length) return;
    const all = Int32Array.from(scope(() => ranks.gather(tensor(ids)).toArray())); // [A]
    if (all.every((id) => this.shared.has(id))) return;
    scope(() => {
      this.maps.write(all, ranks.gather(this.of(ids))); // [A, rows, cols]
    });
    for (const id of all) {
      this.isKnown[id] = 1;
      this.shared.add(id);
    }
  }

  private ask(ids: Int32Array): void {
    if (this.asked === null) throw new RangeError(`expected photos of the data set, got number ${ids[0]}`);
    const { source, dataset, view, device } = this.asked;
    const length = Math.max(1, Math.floor(pixelsAtOnce / view.side ** 2));
    for (let from = 0; from < ids.length; from += length) {
      const part = ids.subarray(from, from + length);
      scope(() =>
        noGrad(() => {
          const photos = wholePhotos(dataset, part, view, device); // [n, 3, side, side]
          const maps = source.maps(photos, view).to({ device: "cpu" }); // [n, rows, cols]
          this.maps.write(part, maps);
        }),
      );
      for (const id of part) this.isKnown[id] = 1;
    }
  }

  dispose(): void {
    this.maps.dispose();
    this.asked?.source.dispose();
  }
}

/** Options for computing the maps of all photos in advance. */
export interface Beforehand {
  /** The photos to process. Default: all. */
  readonly ids?: Int32Array;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/**
 * The maps of photos from an asynchronous source, `[N, rows, cols]`, zeros for photos that are not in `ids`. The caller
 * owns the result. Throws {@link InterruptedError}.
 */
export async function mapAllPhotos(
  source: LateSaliencySource,
  dataset: PackedDataset,
  view: PhotoView,
  { ids, signal, onProgress = () => {} }: Beforehand = {},
): Promise<Tensor> {
  const { rows, cols } = view;
  const maps = keep(zeros([dataset.length, rows, cols])); // [N, rows, cols]
  const asked = ids ?? Int32Array.from({ length: dataset.length }, (_, id) => id);
  try {
    for (const [done, id] of asked.entries()) {
      if (signal?.aborted === true)
        throw new InterruptedError("Stopped while objects were looked for. The same command starts anew.");
      const photo = keep(wholePhotos(dataset, Int32Array.of(id), view, "cpu")); // [1, 3, side, side]
      try {
        const map = keep(await source.mapsLater(photo, view)); // [1, rows, cols]
        scope(() => {
          maps.narrow(0, id, 1).copy_(map);
        });
        map.dispose();
      } finally {
        photo.dispose();
      }
      onProgress({ done: done + 1, total: asked.length });
    }
    return maps;
  } catch (error) {
    maps.dispose();
    throw error;
  }
}

/** `[B, 3, side, side]`, normalised. */
function wholePhotos(dataset: PackedDataset, ids: Int32Array, { side }: PhotoView, device: string): Tensor {
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  return scope(() => renderView(sent(dataset.images(ids), device), whole, { crop: side }));
}
