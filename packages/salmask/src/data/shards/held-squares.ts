import { fromTypedArray, type Tensor } from "@salmask/torch";
import type { DecodedSquare } from "../../image/decode-square.js";
import type { Release } from "../store/photo-stream.js";

/** Decoded photos in memory, as long as someone needs them. */
export class HeldSquares {
  private readonly held = new Map<number, { readonly planes: Uint8Array; holders: number }>();

  constructor(
    private readonly size: number,
    private readonly nameOf: (id: number) => string,
  ) {}

  /** `squares` are those of `ids`, `[n]`. */
  hold(ids: Int32Array, squares: readonly DecodedSquare[]): Release {
    for (const [i, id] of ids.entries()) {
      const before = this.held.get(id);
      if (before === undefined) this.held.set(id, { planes: squares[i].planes, holders: 1 });
      else before.holders++;
    }
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      for (const id of ids) {
        const square = this.held.get(id);
        if (square !== undefined && --square.holders === 0) this.held.delete(id);
      }
    };
  }

  /** `[n, 3, size, size]` uint8. */
  images(ids: ArrayLike<number>): Tensor {
    const { size } = this;
    const bytes = 3 * size * size;
    const all = new Uint8Array(ids.length * bytes);
    for (let i = 0; i < ids.length; i++) {
      const square = this.held.get(ids[i]);
      if (square === undefined)
        throw new RangeError(`Expected photos that were fetched, got ${this.nameOf(ids[i])}, which was not.`);
      all.set(square.planes, i * bytes);
    }
    return fromTypedArray(all, [ids.length, 3, size, size]); // [n, 3, S, S]
  }

  clear(): void {
    this.held.clear();
  }
}
