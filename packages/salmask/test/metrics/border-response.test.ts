import { full, Generator, KeyedRandom, randn, scope, tensor, zeros } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import {
  changeResponse,
  meanOfSums,
  relativeShift,
  sumAt,
  windowPlaces,
} from "../../src/metrics/border-response.js";

const side = 9;
const filters = { kernel: 3, stride: 2, padding: 1 };

describe("windowPlaces", () => {
  it("sorts windows as loops over their pixels do", () => {
    const random = new KeyedRandom(4);
    const mask = Float32Array.from({ length: side * side }, () => Number(random.uniform() < 0.2));
    const { border, inside } = scope(() => {
      const places = windowPlaces(tensor(mask, { shape: [1, 1, side, side] }), filters);
      return { border: places.border.toArray(), inside: places.inside.toArray() };
    });
    const positions = 5;
    for (let row = 0; row < positions; row++) {
      for (let column = 0; column < positions; column++) {
        const pixels: number[] = [];
        let isWhole = true;
        for (let y = 2 * row - 1; y < 2 * row + 2; y++) {
          for (let x = 2 * column - 1; x < 2 * column + 2; x++) {
            if (y < 0 || x < 0 || y >= side || x >= side) isWhole = false;
            else pixels.push(mask[y * side + x]);
          }
        }
        const kinds = new Set(pixels).size;
        const at = row * positions + column;
        expect(border[at], `border at ${row}, ${column}`).toBe(Number(isWhole && kinds === 2));
        expect(inside[at], `inside at ${row}, ${column}`).toBe(Number(isWhole && kinds === 1));
      }
    }
    expect(border).toContain(1);
    expect(inside).toContain(1);
  });
});

describe("changeResponse", () => {
  it("is the mean size over filters of sums over windows, less the mean of each filter's colour", () => {
    scope(() => {
      const generator = new Generator(2);
      const weight = randn([4, 3, 3, 3], { generator });
      const picture = randn([1, 3, side, side], { generator });
      const found = changeResponse(picture, { ...filters, weight }).toArray(); // [1, 1, 5, 5]
      const [w, x] = [weight.toArray(), picture.toArray()];
      // The window in the middle of the picture.
      const expected = [0, 1, 2, 3].map((filter) => {
        let sum = 0;
        for (let c = 0; c < 3; c++) {
          const own = w.slice((filter * 3 + c) * 9, (filter * 3 + c + 1) * 9);
          const mean = own.reduce((a, b) => a + b, 0) / 9;
          for (let i = 0; i < 9; i++)
            sum += (own[i] - mean) * x[(c * side + 3 + Math.floor(i / 3)) * side + 3 + (i % 3)];
        }
        return Math.abs(sum);
      });
      expect(found[2 * 5 + 2]).toBeCloseTo(expected.reduce((a, b) => a + b, 0) / 4, 4);
    });
  });

  it("is 0 inside one colour", () => {
    scope(() => {
      const weight = randn([2, 3, 3, 3], { generator: new Generator(2) });
      const found = changeResponse(full([1, 3, side, side], 5), { ...filters, weight, padding: 0 });
      expect(Math.max(...found.toArray())).toBeLessThan(1e-4);
    });
  });
});

describe("sums and shifts", () => {
  it("means over all batches, and null of no place", () => {
    scope(() => {
      const values = tensor([[[[1, 2, 3]]], [[[4, 5, 6]]]]);
      const places = tensor([[[[1, 0, 1]]], [[[0, 0, 1]]]]);
      expect(meanOfSums([sumAt(values, places), sumAt(values, zeros([2, 1, 1, 3]))])).toBeCloseTo(10 / 3, 6);
      expect(meanOfSums([sumAt(values, zeros([2, 1, 1, 3]))])).toBeNull();
    });
  });

  it("says how far each photo's features move for their length", () => {
    const shifts = scope(() => {
      const before = tensor([[[[3, 4]]], [[[0, 2]]]]);
      return relativeShift(before, tensor([[[[3, 4]]], [[[0, 5]]]]));
    });
    expect(shifts[0]).toBe(0);
    expect(shifts[1]).toBeCloseTo(1.5, 6);
  });
});
