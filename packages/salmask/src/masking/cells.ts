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

/** The cells that a negative loses. All but `object` are for study. */
export type NegativeLoss = "object" | "random" | "background";

/** How much of a crop is masked. */
export interface MaskAmount {
  /** Share of the cells, or for a negative of the object's cells, 0 to 1. */
  readonly ratio: number;
  /**
   * Share of a positive's masked cells that are on the object, 0 to 1. Without it, object and background lose the same
   * share, as in the paper.
   */
  readonly foregroundShare?: number;
  /**
   * How many times as often a positive's cell of the object is masked as one of the background, at the same total.
   * Default: 1, as in the paper. `infinite`: the object alone is masked.
   */
  readonly odds?: number | "infinite";
  /** The cells that a negative loses, as many as `ratio` says of the object. Default: `object`. */
  readonly what?: NegativeLoss;
}

/**
 * The number of cells to mask in a crop of `total` cells, of which `foreground` are the object's. A positive loses the
 * share `ratio` of the object and of the background, each rounded. With `foregroundShare`, it loses the share `ratio`
 * of all cells, divided between object and background in that proportion; if one of them has too few cells, the other
 * replaces them. `odds` divides the same total so that a cell of the object is masked that many times as often as one of
 * the background, as far as there are cells; 1 is the paper's division. A negative loses `ratio` of the object: at least one cell if there is an object, because an unmasked
 * negative would be a second positive, and at most 55 % of the crop.
 */
export function cellCounts(
  role: MaskRole,
  total: number,
  foreground: number,
  { ratio, foregroundShare, odds = 1 }: MaskAmount,
): CellCounts {
  const object = Math.min(foreground, Math.round(ratio * foreground));
  const rest = total - foreground;
  if (role === "negative") {
    const most = Math.max(1, Math.round(mostRemoved * total));
    return { foreground: Math.min(foreground, most, Math.max(1, object)), background: 0 };
  }
  if (foregroundShare === undefined) return countsByOdds(foreground, rest, ratio, odds);
  const all = Math.round(ratio * total);
  const wanted = Math.min(foreground, Math.round(foregroundShare * all));
  const background = Math.min(rest, all - wanted);
  return { foreground: all - background, background };
}

/**
 * The counts for which the probabilities of a cell to be masked are `odds` to 1, with `ratio` of all cells masked. What
 * the one kind of cells cannot give, the other does. The order of multiplications makes odds of 1 exact.
 */
function countsByOdds(
  foreground: number,
  rest: number,
  ratio: number,
  odds: number | "infinite",
): CellCounts {
  const [inside, outside] = odds === "infinite" ? [1, 0] : [odds, 1];
  const weight = inside * foreground + outside * rest;
  // Without any cell that may be masked by these odds, the other kind takes all.
  const share = (of: number) => (weight === 0 ? 1 : (of * (foreground + rest)) / weight);
  const wanted = ratio * foreground * share(inside);
  const beside = ratio * rest * share(outside);
  const missing = { foreground: Math.max(0, wanted - foreground), background: Math.max(0, beside - rest) };
  return {
    foreground: Math.min(foreground, Math.round(wanted + missing.background)),
    background: Math.min(rest, Math.round(beside + missing.foreground)),
  };
}

/**
 * Writes 1 to the masked cells, which are drawn uniformly from the foreground and from the other cells; for a negative,
 * from the cells that it may lose.
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
  if (role === "negative") {
    const pool = { object, background: rest, random: Array.from(foreground.keys()) }[amount.what ?? "object"];
    for (const cell of choose(random, pool, Math.min(pool.length, counts.foreground))) out[cell] = 1;
    return;
  }
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
