/** Nearest neighbours by cosine: exact, by matrix products in blocks. */
import { keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { unitRows } from "../models/encoder.js";

/** The nearest rows of each query, the nearest first; rows of the same cosine in ascending order. */
export interface Neighbours {
  /** Rows of the bank, a list per query. */
  readonly rows: readonly number[][];
  /** Their cosines, -1 to 1. */
  readonly cosines: readonly number[][];
}

/** Two rows, the first before the second, and their cosine. */
export interface Pair {
  readonly first: number;
  readonly second: number;
  readonly cosine: number;
}

/** Queries that are compared at a time. */
const queriesAtOnce = 512;
/** How many cosines are held at a time. */
export interface AtOnce {
  /** When the nearest are looked for. Default: 128 MiB of them. */
  readonly cosines?: number;
  /** When pairs are looked for: fewer, as each of them may become a pair. Default: 16 MiB of them. */
  readonly paired?: number;
}

const unit = (cosine: number) => Math.min(1, Math.max(-1, cosine));

/** Vectors among which neighbours are looked for. They are copied, scaled to length one. */
export class NearestRows implements Disposable {
  /** `[N, d]`, rows of length one. */
  private readonly bank: Tensor;
  /** N */
  readonly length: number;

  private readonly atOnce: Required<AtOnce>;

  /** @param vectors `[N, d]` */
  constructor(vectors: Tensor, { cosines = 2 ** 25, paired = 2 ** 22 }: AtOnce = {}) {
    this.atOnce = { cosines, paired };
    this.bank = keep(noGrad(() => scope(() => unitRows(vectors)))); // [N, d]
    this.length = vectors.shape[0];
  }

  /** The `count` nearest rows of each query `[M, d]`, or all rows where there are fewer. */
  find(queries: Tensor, count: number): Neighbours {
    const rows: number[][] = [];
    const cosines: number[][] = [];
    for (let from = 0; from < queries.shape[0]; from += queriesAtOnce) {
      const some = Math.min(queriesAtOnce, queries.shape[0] - from);
      scope(() => {
        const found = noGrad(() => this.findSome(unitRows(queries.narrow(0, from, some)), count));
        const [near, far] = [found.rows.toArray(), found.cosines.toArray()];
        const k = near.length / some;
        for (let q = 0; q < some; q++) {
          const order = Array.from({ length: k }, (_, i) => q * k + i);
          order.sort((a, b) => far[b] - far[a] || near[a] - near[b]);
          rows.push(order.map((at) => near[at]));
          cosines.push(order.map((at) => unit(far[at])));
        }
      });
    }
    return { rows, cosines };
  }

  /** Of queries of length one `[m, d]`: cosines and rows `[m, k]`. */
  private findSome(queries: Tensor, count: number): { cosines: Tensor; rows: Tensor } {
    const k = Math.min(count, this.length);
    const block = Math.max(k, Math.floor(this.atOnce.cosines / queries.shape[0]));
    const parts: { cosines: Tensor; rows: Tensor }[] = [];
    for (let from = 0; from < this.length; from += block) {
      const length = Math.min(block, this.length - from);
      const part = scope(() => {
        const bank = this.bank.narrow(0, from, length).t(); // [d, length]
        const [cosines, rows] = queries.matmul(bank).topk(Math.min(k, length)); // [m, <= k] each
        return { cosines, rows: rows.add(from) };
      });
      parts.push(part);
    }
    if (parts.length === 1) return parts[0];
    const [cosines, picked] = ops
      .cat(
        parts.map((part) => part.cosines),
        { dim: 1 },
      )
      .topk(k); // [m, k] each
    const rows = ops.cat(
      parts.map((part) => part.rows),
      { dim: 1 },
    ); // [m, blocks * k]
    return { cosines, rows: rows.gather(1, picked) };
  }

  /**
   * All pairs whose cosine is at least `threshold`, a block of first rows after another, with the number of rows that are done. The
   * work grows with the square of the rows.
   */
  *pairs(threshold: number): Generator<{ readonly pairs: readonly Pair[]; readonly done: number }> {
    for (let from = 0; from < this.length; ) {
      const rest = this.length - from;
      const some = Math.max(1, Math.min(queriesAtOnce, rest, Math.floor(this.atOnce.paired / rest)));
      const pairs = scope(() => noGrad(() => this.pairsFrom(from, some, threshold)));
      from += some;
      yield { pairs, done: from };
    }
  }

  private pairsFrom(from: number, some: number, threshold: number): Pair[] {
    const rest = this.length - from;
    const others = this.bank.narrow(0, from, rest); // [rest, d]
    const cosines = others.narrow(0, 0, some).matmul(others.t()).reshape([-1]); // [some * rest]
    const places = cosines.ge(threshold).nonzero().reshape([-1]); // [P]
    const values = cosines.indexSelect(0, places).toFloat32Array();
    const pairs: Pair[] = [];
    for (const [i, place] of places.toArray().entries()) {
      const first = Math.floor(place / rest);
      const second = place % rest;
      if (second > first) pairs.push({ first: from + first, second: from + second, cosine: unit(values[i]) });
    }
    return pairs;
  }

  [Symbol.dispose](): void {
    this.bank.dispose();
  }
}
