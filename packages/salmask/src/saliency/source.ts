import type { Tensor } from "@salmask/torch";

/** Cells of a saliency map. */
export interface MapSize {
  readonly rows: number;
  readonly cols: number;
}

/**
 * Something that says where the object of a crop is. To add one, write a file beside this one that implements it,
 * and name it where a run makes its sources.
 */
export interface SaliencySource {
  readonly name: string;
  /**
   * The saliency of each crop, of no fixed unit: a cell's value only compares with those of the same crop.
   *
   * @param crops float32 `[B, 3, H, W]`, normalised by ImageNet's mean and deviation, not filtered
   * @returns float32 `[B, rows, cols]`, higher is more salient
   */
  maps(crops: Tensor, size: MapSize): Tensor;
  /** Frees what the source holds. It is of no use afterwards. */
  dispose(): void;
}

/** A source outside the engine, which a step cannot wait for: it is asked about whole photos before training. */
export interface LateSaliencySource {
  readonly name: string;
  /** As {@link SaliencySource.maps}; the map is the caller's. */
  mapsLater(crops: Tensor, size: MapSize): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** What either kind of source says; the map is the caller's. */
export async function mapsOf(
  source: SaliencySource | LateSaliencySource,
  crops: Tensor,
  size: MapSize,
): Promise<Tensor> {
  return "maps" in source ? source.maps(crops, size) : source.mapsLater(crops, size);
}
