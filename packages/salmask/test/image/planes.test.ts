import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPlanes } from "../../src/image/planes.js";

describe("toPlanes", () => {
  it("puts every channel of every pixel in the right position, for any alignment of the pixels", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 3 }),
        fc.nat(),
        (area, offset, seed) => {
          const bytes = Uint8Array.from({ length: offset + 3 * area }, (_, i) => (i * 37 + seed) % 256);
          const pixels = bytes.subarray(offset);
          const expected = [0, 1, 2].flatMap((channel) =>
            Array.from({ length: area }, (_, place) => pixels[3 * place + channel]),
          );
          expect(Array.from(toPlanes(pixels, area))).toEqual(expected);
        },
      ),
    );
  });
});
