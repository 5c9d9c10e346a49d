/** Crops of 4 x 4 cells, their objects, and the cells that were changed. */
import { Generator, randn, type Tensor } from "@salmask/torch";
import type { Foreground } from "../../src/masking/foreground.js";
import { gridFor } from "../../src/masking/grid.js";

export const grid = gridFor(32, 8);
export const ids = [4, 0, 9, 2, 7];
export const key = { seed: 3, epoch: 1, ids };

/** Random crops `[5, 3, 32, 32]`. */
export const crops = (seed = 1): Tensor => randn([5, 3, 32, 32], { generator: new Generator(seed) });

export function foreground(maps: readonly (readonly number[])[]): Foreground {
  return {
    cells: Uint8Array.from(maps.flat()),
    shares: Float64Array.from(maps, (map) => map.reduce((a, b) => a + b, 0) / map.length),
  };
}

/** The 16 cells of a crop, 1 in the chosen columns. */
export const columns = (on: (col: number) => boolean): number[] =>
  Array.from({ length: 16 }, (_, cell) => (on(cell % 4) ? 1 : 0));
export const left = columns((col) => col < 2);
export const right = columns((col) => col >= 2);
export const none = new Array<number>(16).fill(0);

/** `[N, 16]`: for N views, the share of each cell's values that differ. */
export function changed(view: Tensor, clean: Tensor): number[][] {
  const differs = view.ne(clean).to({ dtype: "float32" }).mean([1], { keepdim: true }); // [N, 1, H, W]
  const cells = differs.adaptiveAvgPool2d([4, 4]).toArray();
  return Array.from({ length: view.shape[0] }, (_, i) => cells.slice(i * 16, (i + 1) * 16));
}

export const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

export function equal(a: Tensor, b: Tensor): boolean {
  return a.shape.join() === b.shape.join() && a.ne(b).to({ dtype: "float32" }).amax().item() === 0;
}
