/** Draws how many cells are masked, and which. Plain arrays on the host: a crop has only some dozens of cells. */
import type { KeyedRandom } from "@salmask/torch";

/**
 * `positive`: a view that stays recognisable; a part of the object and of the background is masked.
 * `negative`: a view that loses the object, and nothing else.
 */
export type MaskRole = "positive" | "negative";

export interface CellCounts {
  foreground: number;
  background: number;
}

/** Largest share of all cells that a negative may lose. From the released code, which uses it for one fill only. */
const mostRemoved = 0.55;

/** How much of a crop is masked. */
export interface MaskAmount {
  /** Share of the cells, or for a negative of the object's cells, 0 to 1. */
  readonly ratio: number;
  /**
   * Share of a positive's masked cells that are on the object, 0 to 1. Without it, object and background lose the same
   * share, as in the paper.
   */
  readonly foregroundShare?: number;
}

/**
 * The number of cells to mask in a crop of `total` cells, of which `foreground` are the object's. A positive loses the
 * share `ratio` of the object and of the background, each rounded. With `foregroundShare`, it loses the share `ratio`
 * of all cells, divided between object and background in that proportion; if one of them has too few cells, the other
 * replaces them. A negative loses `ratio` of the object: at least one cell if there is an object, because an unmasked
 * negative would be a second positive, and at most 55 % of the crop.
 */
export function cellCounts(
  role: MaskRole,
  total: number,
  foreground: number,
  { ratio, foregroundShare }: MaskAmount,
): CellCounts {
  const object = Math.min(foreground, Math.round(ratio * foreground));
  const rest = total - foreground;
  if (role === "negative") {
    const most = Math.max(1, Math.round(mostRemoved * total));
    return { foreground: Math.min(foreground, most, Math.max(1, object)), background: 0 };
  }
  if (foregroundShare === undefined) {
    return { foreground: object, background: Math.min(rest, Math.round(ratio * rest)) };
  }
  const all = Math.round(ratio * total);
  const wanted = Math.min(foreground, Math.round(foregroundShare * all));
  const background = Math.min(rest, all - wanted);
  return { foreground: all - background, background };
}

/**
 * Writes 1 to the masked cells, which are drawn uniformly from the foreground and from the other cells.
 *
 * @param foreground `[rows * cols]` of one crop, 1 for cells of the object
 * @param out `[rows * cols]`, zeros
 */
export function drawCells(
  random: KeyedRandom,
  role: MaskRole,
  foreground: Uint8Array,
  amount: MaskAmount,
  out: Uint8Array,
): void {
  const object: number[] = [];
  const rest: number[] = [];
  for (const [cell, inside] of foreground.entries()) (inside === 1 ? object : rest).push(cell);
  const counts = cellCounts(role, foreground.length, object.length, amount);
  for (const cell of choose(random, object, counts.foreground)) out[cell] = 1;
  for (const cell of choose(random, rest, counts.background)) out[cell] = 1;
}

/** `count` different members of `pool`; every set has the same probability. Changes the order of `pool`. */
function choose(random: KeyedRandom, pool: number[], count: number): number[] {
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(pool.length - i);
    [pool[i], pool[j]] = [pool[j], pool[i]];
  }
  return pool.slice(0, count);
}
