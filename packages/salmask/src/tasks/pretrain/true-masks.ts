/** Measures how well saliency finds the objects in the run's own crops, if their true masks are known. */
import { keep, scope, type Tensor, tensor } from "@salmask/torch";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Foreground } from "../../masking/foreground.js";
import type { Grid } from "../../masking/grid.js";
import { intersectionOverUnion } from "../../metrics/saliency-measures.js";
import { readPhotoMaps } from "../../saliency/maps/read-maps.js";
import { cropMaps } from "../../views/crop-maps.js";
import type { ViewDraw } from "../../views/draw.js";

/** Means over the crops that contain a part of their object. */
export type Agreement = {
  /** Intersection over union of the foreground cells and the true ones. */
  iou: number;
  /** The same for the whole crop as foreground. On average, no random choice of cells is better. */
  wholeCropIou: number;
};

/** Divisions per side of a cell in stored masks, so that cells of a small crop still contain several values each. */
const finer = 4;

/** The true masks of a run's photos, for comparison with crops. */
export class TrueMasks {
  /** `masks` `[N, rows, cols]`: the share of each part of a photo that is covered by its object. */
  private constructor(
    private readonly masks: Tensor,
    private readonly grid: Grid,
  ) {}

  /** Reads the masks in a folder; null if no folder is given. Throws DataError if a photo's mask is missing. */
  static async open(
    folder: string | undefined,
    dataset: PackedDataset,
    grid: Grid,
  ): Promise<TrueMasks | null> {
    if (folder === undefined) return null;
    const size = { rows: finer * grid.rows, cols: finer * grid.cols };
    return new TrueMasks(keep(await readPhotoMaps(folder, dataset, size)), grid);
  }

  /**
   * Compares the foreground of crops of the photos `ids` [B] with their true cells; the object covers at least half of
   * a true cell. Null if no crop has a true cell.
   */
  agreement({ cells }: Foreground, draw: ViewDraw, ids: Int32Array): Agreement | null {
    const { rows, cols } = this.grid;
    const covered = scope(() => {
      const photos = this.masks.indexSelect(0, tensor(ids)); // [B, rows', cols']
      return cropMaps(photos, draw, rows, cols).toFloat32Array(); // [B, rows, cols]
    });
    const truth = Uint8Array.from(covered, (share) => Number(share >= 0.5));
    const whole = new Uint8Array(rows * cols).fill(1);
    const found = Array.from(ids, (_, crop) => {
      const [own, real] = [cells, truth].map((of) =>
        of.subarray(crop * whole.length, (crop + 1) * whole.length),
      );
      if (!real.includes(1)) return null;
      return { iou: intersectionOverUnion(own, real), wholeCropIou: intersectionOverUnion(whole, real) };
    }).filter((agreement) => agreement !== null);
    if (found.length === 0) return null;
    const mean = (of: keyof Agreement) => found.reduce((sum, crop) => sum + crop[of], 0) / found.length;
    return { iou: mean("iou"), wholeCropIou: mean("wholeCropIou") };
  }

  dispose(): void {
    this.masks.dispose();
  }
}
