import { fromTypedArray, scope } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cropMaps } from "../../src/views/crop-maps.js";
import { drawView } from "../../src/views/draw.js";

/** The mean of a map over a rectangle, with each pixel weighted by its covered part. */
function meanOver(
  map: Float32Array,
  w: number,
  box: { y: number; x: number; h: number; width: number },
): number {
  let sum = 0;
  for (const [i, value] of map.entries()) {
    const [y, x] = [Math.floor(i / w), i % w];
    const high = Math.max(0, Math.min(y + 1, box.y + box.h) - Math.max(y, box.y));
    const wide = Math.max(0, Math.min(x + 1, box.x + box.width) - Math.max(x, box.x));
    sum += value * high * wide;
  }
  return sum / (box.h * box.width);
}

describe("cropMaps", () => {
  it("is the mean of the map in each cell of the view", () => {
    const sides = fc.integer({ min: 1, max: 12 });
    const photo = fc.tuple(fc.integer({ min: 20, max: 900 }), fc.integer({ min: 20, max: 900 }));
    fc.assert(
      fc.property(fc.nat(), photo, photo, sides, sides, sides, sides, (seed, first, second, h, w, gh, gw) => {
        scope(() => {
          const sizes = Int32Array.of(...first, ...second);
          const draw = drawView({ seed, epoch: 0, view: 0 }, [0, 1], sizes, 64);
          const data = Float32Array.from({ length: 2 * h * w }, (_, i) => ((i * 37) % 101) / 101);
          const ours = cropMaps(fromTypedArray(data, [2, h, w]), draw, gh, gw);
          expect(ours.shape).toEqual([2, gh, gw]);
          const values = ours.toFloat32Array();
          for (let image = 0; image < 2; image++) {
            const [top, left, height, width] = draw.boxes.subarray(image * 4, image * 4 + 4);
            const [down, across] = [h / sizes[image * 2], w / sizes[image * 2 + 1]];
            const map = data.subarray(image * h * w, (image + 1) * h * w);
            for (let i = 0; i < gh; i++) {
              for (let j = 0; j < gw; j++) {
                const column = draw.flip[image] === 1 ? gw - 1 - j : j;
                const expected = meanOver(map, w, {
                  y: (top + (i * height) / gh) * down,
                  x: (left + (column * width) / gw) * across,
                  h: (height / gh) * down,
                  width: (width / gw) * across,
                });
                expect(Math.abs(values[(image * gh + i) * gw + j] - expected)).toBeLessThan(1e-5);
              }
            }
          }
        });
      }),
      { numRuns: 60 },
    );
  });
});
