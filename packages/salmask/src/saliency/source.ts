import type { Tensor } from "@salmask/torch";

/** The cells of a saliency map. */
export interface MapSize {
  readonly rows: number;
  readonly cols: number;
}

/**
 * Computes where the object of a crop is. To add a source, write a file in this folder that implements this interface,
 * and add it where a run makes its sources.
 */
export interface SaliencySource {
  readonly name: string;
  /**
   * The saliency of each crop, without a fixed unit: values are comparable only within one crop.
   *
   * @param crops float32 `[B, 3, H, W]`, normalised with ImageNet's mean and standard deviation, not filtered
   * @returns float32 `[B, rows, cols]`, higher is more salient
   */
  maps(crops: Tensor, size: MapSize): Tensor;
  /** Frees the source's memory. The source cannot be used afterwards. */
  dispose(): void;
}

/** An asynchronous source outside the engine. A step cannot wait for it, so it processes whole photos before training. */
export interface LateSaliencySource {
  readonly name: string;
  /** Like {@link SaliencySource.maps}; the caller owns the map. */
  mapsLater(crops: Tensor, size: MapSize): Promise<Tensor>;
  /** Frees the source's memory. The source cannot be used afterwards. */
  dispose(): Promise<void>;
}

/** The maps from either kind of source; the caller owns the result. */
export async function mapsOf(
  source: SaliencySource | LateSaliencySource,
  crops: Tensor,
  size: MapSize,
): Promise<Tensor> {
  return "maps" in source ? source.maps(crops, size) : source.mapsLater(crops, size);
}
