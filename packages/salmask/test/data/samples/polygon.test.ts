import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import { maskOfPolygons } from "../../../src/data/samples/polygon.js";
import { decodeMask } from "../../../src/data/samples/rle.js";
import { areaOf, boxOf } from "../../../src/data/samples/rle-extent.js";
import { drawing } from "../../support/masks.js";

const [height, width] = [4, 5];
const rectangle = (x0: number, y0: number, x1: number, y1: number) => [x0, y0, x1, y0, x1, y1, x0, y1];

function seen(polygons: number[][], rows = height, columns = width): string[] {
  const rle = maskOfPolygons(polygons, rows, columns);
  return drawing({ height: rows, width: columns, pixels: decodeMask(rle) });
}

describe("a rectangle", () => {
  test("with whole corners holds its pixels, in both directions", () => {
    const expected = [".....", ".###.", ".###.", "....."];
    expect(seen([rectangle(1, 1, 4, 3)])).toEqual(expected);
    expect(seen([rectangle(4, 3, 1, 1)])).toEqual(expected);
    expect(seen([[1, 1, 1, 3, 4, 3, 4, 1]])).toEqual(expected);
    expect(seen([[1, 1, 4, 1, 4, 3, 1, 3, 1, 1]]), "its first corner named again").toEqual(expected);
  });

  test("with whole corners is exact, also where it leaves the photo", () => {
    const whole = fc.integer({ min: -4, max: 14 });
    fc.assert(
      fc.property(whole, whole, whole, whole, (x0, y0, x1, y1) => {
        const [left, right] = [Math.max(0, Math.min(x0, x1)), Math.min(9, Math.max(x0, x1))];
        const [top, bottom] = [Math.max(0, Math.min(y0, y1)), Math.min(7, Math.max(y0, y1))];
        const isEmpty = right <= left || bottom <= top;
        const rle = maskOfPolygons([rectangle(x0, y0, x1, y1)], 7, 9);
        expect(areaOf(rle)).toBe(isEmpty ? 0 : (right - left) * (bottom - top));
        expect(boxOf(rle)).toEqual(isEmpty ? null : [left, top, right, bottom]);
      }),
      { numRuns: 300 },
    );
  });

  test("that covers the photo is one run inside, and one beside it none", () => {
    expect([...maskOfPolygons([rectangle(-3, -3, 9, 9)], height, width).counts]).toEqual([0, 20]);
    expect([...maskOfPolygons([rectangle(0, 0, 5, 4)], height, width).counts]).toEqual([0, 20]);
    for (const beside of [
      rectangle(6, 0, 9, 4),
      rectangle(-5, 0, 0, 4),
      rectangle(0, 4, 5, 7),
      rectangle(0, -9, 5, 0),
    ])
      expect([...maskOfPolygons([beside], height, width).counts]).toEqual([20]);
  });

  /*
   * Corners go to fifths of a pixel, half up: 0.4 to 2, 0.5 to 3 (2.5 + 0.5), 2.4 to 12, 2.5 to 13. Column c is inside where
   * the polygon spans the step from 5c + 2 to 5c + 3, and row r where its top is at most 5r + 2 and its bottom is below that.
   */
  test.each([
    [
      [0.4, 0.4, 2.4, 2.4],
      ["##...", "##...", ".....", "....."],
    ],
    [
      [0.5, 0.5, 2.5, 2.5],
      [".....", ".##..", ".##..", "....."],
    ],
    [
      [0.5, 0.4, 2.4, 2.5],
      [".#...", ".#...", ".#...", "....."],
    ],
    // 1.49 and 1.51 go to 7 (7.95) and 8 (8.05): the step over the middle of column 1 and of row 1.
    [
      [1.49, 1.49, 1.51, 1.51],
      [".....", ".#...", ".....", "....."],
    ],
    // 1.5 and 1.6 both go to 8: nothing is between.
    [
      [1.5, 1.5, 1.6, 1.6],
      [".....", ".....", ".....", "....."],
    ],
  ])("with the corners %j is decided at the middles of pixels", (corners, expected) => {
    const [x0, y0, x1, y1] = corners;
    expect(seen([rectangle(x0, y0, x1, y1)])).toEqual(expected);
  });
});

test("sides that go a million pixels outside are as those that go a few", () => {
  const far = 1_000_000;
  expect(seen([rectangle(-far, -far, 2, 3)])).toEqual(seen([rectangle(-3, -3, 2, 3)]));
  expect(seen([[1, -far, 4, -far, 4, far, 1, far]])).toEqual(seen([rectangle(1, -1, 4, 9)]));
  // Two thousand of them: a walk along each would take minutes. Each comes twice, and cancels out.
  const zigzag = Array.from({ length: 1000 }, () => [-far, 1, far, 2]).flat();
  expect(seen([zigzag])).toEqual(seen([rectangle(9, 0, 10, 1)]));
});

test("an outline that crosses the columns too often is refused", () => {
  const wide = 2 ** 16;
  const zigzag = Array.from({ length: 33 }, () => [0, 0, wide, 1]).flat();
  expect(() => maskOfPolygons([zigzag], 4, wide)).toThrow(
    expect.objectContaining({ code: "polygon-changes" }),
  );
});

describe("a triangle", () => {
  /*
   * The slanted side runs from the fine point (20, 0) to (0, 20): at x it is at y = 20 - x. Column c is stepped over
   * from 5c + 2 to 5c + 3, where y is 18 - 5c and 17 - 5c. The upper one, less 2, over 5, is 3 - c: the mask changes at row 3 - c.
   */
  test("with a side of one to one leaves the pixels on it to the other triangle", () => {
    expect(seen([[0, 0, 4, 0, 0, 4]], 4, 4)).toEqual(["###.", "##..", "#...", "...."]);
    expect(seen([[4, 0, 4, 4, 0, 4]], 4, 4)).toEqual(["...#", "..##", ".###", "####"]);
  });

  /*
   * From (10, 0) to (0, 30) in fine points: x = 10 - y / 3, with a half added and cut. Column 1: that is 8.17 at y = 7 and
   * 7.83 at 8, so x steps from 8 to 7 and the change is at 7: (7 - 2) / 5 = row 1. Column 0: 3.17 at 22 and 2.83 at 23, so
   * (22 - 2) / 5 = row 4.
   */
  test("with a steep side", () => {
    expect(seen([[0, 0, 2, 0, 0, 6]], 6, 2)).toEqual(["##", "#.", "#.", "#.", "..", ".."]);
  });
});

describe("several polygons", () => {
  test("are one mask, of the pixels in any of them", () => {
    const expected = ["##...", "####.", "..##.", "....."];
    expect(seen([rectangle(0, 0, 2, 2), rectangle(2, 1, 4, 3)])).toEqual(expected);
    expect(seen([rectangle(0, 0, 2, 2), rectangle(1, 1, 2, 2), rectangle(2, 1, 4, 3)])).toEqual(expected);
  });

  test("that share a side share no pixel and leave none out", () => {
    const point = fc.tuple(
      fc.double({ min: 0, max: 9, noNaN: true }),
      fc.double({ min: 0, max: 7, noNaN: true }),
    );
    fc.assert(
      fc.property(point, ([x, y]) => {
        const corners = [
          [0, 0],
          [9, 0],
          [9, 7],
          [0, 7],
        ];
        const fan = corners.map((corner, i) => [...corner, ...corners[(i + 1) % 4], x, y]);
        const times = new Uint8Array(63);
        for (const triangle of fan)
          for (const [i, pixel] of decodeMask(maskOfPolygons([triangle], 7, 9)).entries()) times[i] += pixel;
        expect(times).toEqual(new Uint8Array(63).fill(1));
      }),
      { numRuns: 300 },
    );
  });
});

test("what a polygon goes round twice is outside, and a point named twice changes nothing", () => {
  const twice = [...rectangle(0, 0, 5, 4), 0, 0, ...rectangle(1, 1, 4, 3), 1, 1];
  expect(seen([twice])).toEqual(["#####", "#...#", "#...#", "#####"]);
  expect(seen([[1, 1, 1, 1, 4, 1, 4, 3, 4, 3, 1, 3]])).toEqual(seen([rectangle(1, 1, 4, 3)]));
});

/** Whether a ray to the right crosses the polygon an odd number of times. */
function isInside(polygon: readonly (readonly [number, number])[], x: number, y: number): boolean {
  return (
    polygon.filter(([x0, y0], i) => {
      const [x1, y1] = polygon[(i + 1) % polygon.length];
      return y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0);
    }).length %
      2 ===
    1
  );
}

function distance(polygon: readonly (readonly [number, number])[], x: number, y: number): number {
  const toSides = polygon.map(([x0, y0], i) => {
    const [x1, y1] = polygon[(i + 1) % polygon.length];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const square = dx * dx + dy * dy;
    const along = square === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / square));
    return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
  });
  return Math.min(...toSides);
}

test("a pixel whose middle is half a pixel from any side is inside where an exact test says so", () => {
  const coordinate = fc.double({ min: -5, max: 25, noNaN: true });
  const points = fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 8 });
  let compared = 0;
  fc.assert(
    fc.property(points, (polygon) => {
      const pixels = decodeMask(maskOfPolygons([polygon.flat()], 20, 18));
      for (const [i, pixel] of pixels.entries()) {
        const [x, y] = [(i % 18) + 0.5, Math.floor(i / 18) + 0.5];
        if (distance(polygon, x, y) < 0.5) continue;
        compared++;
        expect(pixel, `${x}, ${y}`).toBe(Number(isInside(polygon, x, y)));
      }
    }),
    { numRuns: 100 },
  );
  expect(compared).toBeGreaterThan(10_000);
});

test.each([
  ["no-polygons", []],
  ["polygon-numbers", [[0, 0, 4, 0, 4]]],
  ["polygon-numbers", [[0, 0, 4, 0, 4, 4, 1]]],
  ["polygon-points", [[0, 0, 4, 4]]],
  ["polygon-points", [rectangle(0, 0, 4, 4), []]],
  ["polygon-coordinate", [[0, 0, 4, 0, 4, Number.NaN]]],
  ["polygon-coordinate", [[0, 0, 4, 0, Number.NEGATIVE_INFINITY, 4]]],
  ["polygon-coordinate", [[0, 0, 4, 0, 4, 1e7]]],
])("refuses with %s the polygons %j", (code, polygons) => {
  const make = () => maskOfPolygons(polygons, height, width);
  expect(make).toThrow(DataError);
  expect(make).toThrow(expect.objectContaining({ code }));
});
