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
