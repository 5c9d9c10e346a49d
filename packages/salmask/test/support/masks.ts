import fc from "fast-check";
import { encodeMask, type Rle, rleOfCounts } from "../../src/data/samples/rle.js";

export interface Pixels {
  height: number;
  width: number;
  /** `[height * width]`, row after row, 0 or 1. */
  pixels: Uint8Array;
}

export const rleOf = ({ height, width, pixels }: Pixels): Rle => encodeMask(pixels, height, width);

/** A mask drawn with characters, `#` inside; one text a row. */
export function drawn(...rows: string[]): Pixels {
  const pixels = Uint8Array.from([...rows.join("")].map((character) => Number(character === "#")));
  return { height: rows.length, width: rows[0].length, pixels };
}

/** As {@link drawn} takes it. */
export function drawing({ height, width, pixels }: Pixels): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from(pixels.subarray(y * width, (y + 1) * width), (pixel) => (pixel === 1 ? "#" : ".")).join(""),
  );
}

/** Masks of one random size, some of them empty, some full. */
export function masksOfOneSize(least: number, most: number): fc.Arbitrary<Pixels[]> {
  const side = fc.integer({ min: 1, max: 9 });
  return fc.tuple(side, side).chain(([height, width]) => {
    const size = height * width;
    const some = fc.uint8Array({ minLength: size, maxLength: size, max: 1 });
    const flat = fc.constantFrom(0, 1).map((value) => new Uint8Array(size).fill(value));
    const pixels = fc.oneof({ weight: 5, arbitrary: some }, { weight: 1, arbitrary: flat });
    return fc.array(
      pixels.map((p) => ({ height, width, pixels: p })),
      { minLength: least, maxLength: most },
    );
  });
}

export const mask: fc.Arbitrary<Pixels> = masksOfOneSize(1, 1).map(([one]) => one);

/** The same mask, with every run longer than 1 broken by a run of no pixels. */
export function broken({ height, width, counts }: Rle): Rle {
  const parts = [...counts].flatMap((run) => (run > 1 ? [1, 0, run - 1] : [run]));
  return rleOfCounts(parts, height, width);
}
