/** Hard negatives: copies of a view that have lost most of their object (the paper, section 3.3). */
import { fromTypedArray, ops, scope, type Tensor, tensor } from "@salmask/torch";
import type { MaskDraw, MaskKey } from "./draw.js";
import type { Foreground } from "./foreground.js";
import { type MaskOptions, maskCrops } from "./mask.js";
import type { MaskSettings } from "./settings.js";

/** Pictures that a query must be distinguished from, M per photo. */
export interface HardNegatives {
  /** float32 `[M * B, 3, H, W]`, row m * B + i from crop i. If they are shared: `[M, 3, H, W]`, from the first crop. */
  readonly pixels: Tensor;
  /**
   * `[M * B]`: at m * B + i, the row of `pixels` that is the m-th negative of query i; null if it is row m * B + i
   * itself.
   */
  readonly rows: Int32Array | null;
  /** bool `[M * B]`: false if the crop has no object to lose, so that its negative would be a second positive. */
  readonly valid: Tensor;
}

/** Hard negatives after an encoder. */
export interface EmbeddedNegatives {
  /** `[M * B, dim]`: row m * B + i is a hard negative of query i only. */
  readonly embeddings: Tensor;
  /** bool `[M * B]`: false excludes a negative from the loss. */
  readonly valid: Tensor;
}

/** The number of hard negatives, how much they lose of what, and which crop they are made from. */
export type NegativeOptions = Pick<MaskSettings["negative"], "count" | "ratio" | "of" | "what">;

/** The view number of an image's first hard negative in random keys; the two views of a pair have 0 and 1. */
export const firstNegative = 2;

/**
 * Makes `count` hard negatives of each crop.
 *
 * @param prepared float32 `[B, 3, H, W]`, from the fill's `prepare`
 * @param key identifies every random decision, together with each image's id, `ids` [B]
 */
export function hardNegatives(
  prepared: Tensor,
  foreground: Foreground | null,
  key: Omit<MaskKey, "view">,
  { count, ratio, of, what }: NegativeOptions,
  how: Pick<MaskOptions, "fill" | "cells" | "grid">,
): HardNegatives {
  return scope(() => {
    const batch = key.ids.length;
    const losing = of === "shared" ? Math.min(1, batch) : batch; // crops that lose their object
    const ids = Array.from(key.ids).slice(0, losing);
    const made = Array.from({ length: count }, (_, m) =>
      maskCrops(
        prepared.narrow(0, 0, losing),
        foreground === null ? null : firstCrops(foreground, losing),
        { ...key, ids, view: firstNegative + m },
        { ...how, role: "negative", ratio, what },
      ),
    );
    return {
      pixels: ops.cat(made.map(({ pixels }) => pixels)), // [M * B or M, 3, H, W]
      rows:
        of === "own" ? null : Int32Array.from({ length: count * batch }, (_, at) => Math.floor(at / batch)),
      valid: validRows(made, batch, prepared.device), // [M * B]
    };
  });
}

function firstCrops({ cells, shares }: Foreground, count: number): Foreground {
  const perCrop = cells.length / shares.length;
  return { cells: cells.subarray(0, count * perCrop), shares: shares.subarray(0, count) };
}

/** Assigns the embeddings of the pixels' rows, `[M * B, dim]` or `[M, dim]`, to the queries. */
export function embedded({ rows, valid }: HardNegatives, made: Tensor): EmbeddedNegatives {
  return { embeddings: perQuery(made, rows), valid };
}

/** `[M * B, ...]` or `[M, ...]` to one row per query and negative, `[M * B, ...]`. */
export function perQuery(made: Tensor, rows: HardNegatives["rows"]): Tensor {
  return rows === null ? made : made.indexSelect(0, tensor(rows, { device: made.device })); // [M * B, ...]
}

/** bool `[M * B]`: whether each query's m-th negative is valid. Queries may share the negatives of the first crop. */
function validRows(negatives: readonly { draw: MaskDraw }[], batch: number, device: string): Tensor {
  const ofQueries = ({ valid }: MaskDraw) =>
    Array.from({ length: batch }, (_, query) => valid[query % valid.length]);
  const rows = Uint8Array.from(negatives.flatMap(({ draw }) => ofQueries(draw)));
  return fromTypedArray(rows, [rows.length], { dtype: "bool", device });
}
