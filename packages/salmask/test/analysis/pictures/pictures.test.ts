import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import {
  backgroundAlone,
  type ObjectPicture,
  objectAlone,
  onBackground,
} from "../../../src/analysis/pictures/backgrounds.js";
import { largestSquare, mirrored, outlined, tiled } from "../../../src/analysis/pictures/textures.js";

const side = 8;

/** A picture whose pixels say where they are, with a box as its object. */
function pictureWith(left: number, top: number, width: number, height: number): ObjectPicture {
  const inside = (at: number) => {
    const [x, y] = [(at % side) - left, Math.floor(at / side) - top];
    return x >= 0 && y >= 0 && x < width && y < height;
  };
  return {
    side,
    pixels: Float32Array.from({ length: 3 * side * side }, (_, at) => at / 1000 + 0.1),
    mask: Float32Array.from({ length: side * side }, (_, at) => Number(inside(at))),
  };
}

const at = (c: number, y: number, x: number) => (c * side + y) * side + x;

describe("backgrounds", () => {
  it("tiles the object's box with the largest strip beside it, and leaves all else", () => {
    // Two rows above, three below, one column left, four right: the right strip is the largest.
    const picture = pictureWith(1, 2, 3, 3);
    const found = backgroundAlone(picture);
    if (found === null) throw new Error("expected a background");
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          const isInBox = x >= 1 && x < 4 && y >= 2 && y < 5;
          const source = isInBox ? at(c, y, 4 + (x - 1)) : at(c, y, x);
          expect(found[at(c, y, x)]).toBe(picture.pixels[source]);
        }
      }
    }
  });

  it("repeats a strip that is smaller than the box", () => {
    // Two rows below are the largest strip, for a box of six rows.
    const picture = pictureWith(0, 0, 8, 6);
    const found = backgroundAlone(picture);
    expect(Array.from({ length: 8 }, (_, y) => found?.[at(1, y, 3)])).toEqual(
      [6, 7, 6, 7, 6, 7, 6, 7].map((y) => picture.pixels[at(1, y, 3)]),
    );
  });

  it("has none where there is no object, or nothing but the object", () => {
    expect(backgroundAlone(pictureWith(0, 0, 0, 0))).toBeNull();
    expect(backgroundAlone(pictureWith(0, 0, 8, 8))).toBeNull();
  });

  it("keeps the object alone, and puts it before other backgrounds", () => {
    const picture = pictureWith(1, 2, 3, 3);
    const alone = objectAlone(picture);
    const other = onBackground(picture, new Float32Array(3 * side * side).fill(-1));
    for (const [i, value] of picture.pixels.entries()) {
      const isInside = picture.mask[i % (side * side)] === 1;
      expect(alone[i]).toBe(isInside ? value : 0);
      expect(other[i]).toBe(isInside ? value : -1);
    }
  });
});

describe("textures", () => {
  it("finds the largest square on any mask, as trying all squares does", () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new KeyedRandom(seed);
      const mask = Float32Array.from({ length: side * side }, () => Number(random.uniform() < 0.75));
      const fits = (top: number, left: number, length: number) => {
        for (let y = top; y < top + length; y++)
          for (let x = left; x < left + length; x++) if (mask[y * side + x] === 0) return false;
        return true;
      };
      let longest = 0;
      for (let top = 0; top < side; top++)
        for (let left = 0; left < side; left++)
          for (let length = 1; length <= side - Math.max(top, left); length++)
            if (fits(top, left, length)) longest = Math.max(longest, length);
      const found = largestSquare({ side, mask });
      expect(found?.side).toBe(longest);
      expect(found !== null && fits(found.top, found.left, found.side)).toBe(true);
    }
    expect(largestSquare({ side, mask: new Float32Array(side * side) })).toBeNull();
  });

  it("covers a picture with mirrored copies of a square", () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((position) => mirrored(position, 3))).toEqual([
      0, 1, 2, 2, 1, 0, 0, 1,
    ]);
    const picture = pictureWith(1, 2, 3, 3);
    const found = tiled(picture, { top: 2, left: 1, side: 3 }, side);
    expect(found[at(2, 4, 5)]).toBe(picture.pixels[at(2, 2 + 1, 1 + 0)]);
    const colours = new Set(found.subarray(0, side * side));
    expect(colours.size).toBe(9);
  });

  it("fills an outline before one colour", () => {
    const picture = pictureWith(1, 2, 3, 3);
    const filling = picture.pixels.map((value) => value + 1);
    const found = outlined(picture, filling, [0.25, 0.5, 0.75]);
    for (const [i, value] of found.entries()) {
      const isInside = picture.mask[i % (side * side)] === 1;
      expect(value).toBe(isInside ? filling[i] : [0.25, 0.5, 0.75][Math.floor(i / (side * side))]);
    }
  });
});
