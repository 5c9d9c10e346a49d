/** How many cells are masked, and which. Plain arrays on the host: a crop has some dozens of cells. */
import type { KeyedRandom } from "@salmask/torch";

/**
 * `positive`: a view that stays recognisable, part of the object and of its surroundings masked alike.
 * `negative`: a view that loses the object, and nothing else.
 */
export type MaskRole = "positive" | "negative";

export interface CellCounts {
  foreground: number;
  background: number;
}

/** Share of all cells that a negative may lose at most; the released code's, there for one fill only. */
const mostRemoved = 0.55;

/** How much of a crop is masked. */
export interface MaskAmount {
  /** Share of the cells, or for a negative of the object's cells, 0 to 1. */
  readonly ratio: number;
  /**
   * Share of a positive's masked cells that falls on the object, 0 to 1; without it object and background lose the
   * same share, as in the paper.
   */
  readonly foregroundShare?: number;
}

/**
 * Cells to mask in a crop of `total` cells, `foreground` of them the object's. A positive loses the share `ratio`
 * of the object and of the rest, each rounded; or, with `foregroundShare`, that share of all cells in the proportion
 * asked for, the other kind standing in where one runs out. A negative loses `ratio` of the object: at least one cell
 * where there is one, since an unmasked negative is a second positive, and at most 55 % of the crop.
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
 * Writes 1 to the cells that are masked, drawn uniformly among the foreground's and among the others.
 *
 * @param foreground `[rows * cols]` of one crop, 1 where the cell is the object's
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

/** `count` different members of `pool`, every set as likely; `pool` is reordered. */
function choose(random: KeyedRandom, pool: number[], count: number): number[] {
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(pool.length - i);
    [pool[i], pool[j]] = [pool[j], pool[i]];
  }
  return pool.slice(0, count);
}
