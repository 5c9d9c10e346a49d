import { fromTypedArray, Generator, liveTensors, ops, rand, scope, type Tensor, zeros } from "@salmask/torch";
import { describe, expect, test } from "vitest";

const [brightness, contrast, saturation, hue] = [0, 1, 2, 3];

const rowsOf = (...rows: number[]) => fromTypedArray(BigInt64Array.from(rows, BigInt), [rows.length]); // [n]
const ordersOf = (...orders: number[][]) =>
  fromTypedArray(Uint8Array.from(orders.flat()), [orders.length, 4]); // [n, 4]
const factorsOf = (...factors: number[][]) =>
  fromTypedArray(Float32Array.from(factors.flat()), [factors.length, 4]); // [n, 4]

const usual = [brightness, contrast, saturation, hue];
const same = [1, 1, 1, 0];

/** The pixel of an image, red, green and blue. */
const pixel = (images: Tensor, row: number): number[] =>
  images.select(0, row).reshape([3, -1]).select(1, 0).toArray() as number[];

/** The largest difference of a row. */
const change = (images: Tensor, before: Tensor, row: number) =>
  images.select(0, row).sub(before.select(0, row)).abs().amax().item();

describe("fastColorJitter_", () => {
  test("has the values of hand-made examples, in the order that is asked for", () => {
    scope(() => {
      const half = () =>
        zeros([1, 3, 1, 1]).add_(fromTypedArray(Float32Array.of(0.5, 0.25, 0), [1, 3, 1, 1]));
      const after = (order: number[], factors: number[]) => {
        const images = half();
        ops.fastColorJitter_(images, rowsOf(0), ordersOf(order), factorsOf(factors));
        return pixel(images, 0);
      };
      const grey = 0.2989 * 0.5 + 0.587 * 0.25;
      const near = (values: number[]) => values.map((value) => expect.closeTo(value, 6));
      expect(after(usual, [4, 1, 1, 0])).toEqual(near([1, 1, 0]));
      expect(after(usual, [1, 0, 1, 0])).toEqual(near([grey, grey, grey]));
      expect(after(usual, [1, 1, 0, 0])).toEqual(near([grey, grey, grey]));
      // A third of a turn brings red to green, green to blue and blue to red.
      expect(after(usual, [1, 1, 1, 1 / 3])).toEqual(near([0, 0.5, 0.25]));
      expect(after([saturation, brightness, contrast, hue], [4, 1, 0, 0])).toEqual(near([1, 1, 1]));
      expect(after([brightness, saturation, contrast, hue], [4, 1, 0, 0])).toEqual(
        near([1, 1, 1].map(() => 0.2989 + 0.587)),
      );
    });
    expect(liveTensors().count).toBe(0);
  });

  test("changes the rows that are named alone, whatever the number of places", () => {
    scope(() => {
      for (const side of [1, 3, 5, 8]) {
        const images = rand([5, 3, side, side + 1], { generator: new Generator(side) });
        const before = images.clone();
        ops.fastColorJitter_(
          images,
          rowsOf(1, 4),
          ordersOf(usual, usual),
          factorsOf([0.5, 1, 1, 0], [1, 1.4, 0.7, 0.1]),
        );
        for (const row of [0, 2, 3]) expect(change(images, before, row)).toBe(0);
        expect(change(images, before.mul(0.5), 1)).toBeLessThan(1e-6);
        expect(change(images, before, 4)).toBeGreaterThan(0.01);
      }
    });
  });

  test("lets NaN through", () => {
    scope(() => {
      for (const factors of [
        [0.5, 1, 1, 0],
        [1, 0.5, 1, 0],
        [1, 1, 0.5, 0],
        [1, 1, 1, 0.2],
      ]) {
        const images = zeros([1, 3, 1, 1]).add_(Number.NaN);
        ops.fastColorJitter_(images, rowsOf(0), ordersOf(usual), factorsOf(factors));
        expect(pixel(images, 0)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
      }
    });
  });

  test.each<[string, () => void, RegExp]>([
    [
      "other channels",
      () => jitter(zeros([1, 4, 2, 2])),
      /float32 images \[B, 3, H, W\].*got Float \[1, 4, 2, 2\]/,
    ],
    ["another type", () => jitter(zeros([1, 3, 2, 2], { dtype: "float64" })), /float32 images.*got Double/],
    ["gaps", () => jitter(zeros([1, 3, 2, 4]).narrow(3, 0, 2)), /without gaps/],
    ["a gradient", () => jitter(gradient()), /without a gradient/],
    [
      "a row outside",
      () => jitter(zeros([1, 3, 2, 2]), rowsOf(1)),
      /rows of the 1 images in rising order, got 1/,
    ],
    ["a negative row", () => jitter(zeros([1, 3, 2, 2]), rowsOf(-1)), /in rising order, got -1/],
    ["a row twice", () => jitter(zeros([2, 3, 2, 2]), rowsOf(1, 1), [usual, usual]), /got 1 after 1/],
    [
      "too few orders",
      () => jitter(zeros([2, 3, 2, 2]), rowsOf(0, 1)),
      /Expected orders .*\[2, 4\].*got Byte \[1, 4\]/,
    ],
    ["another operation", () => jitter(zeros([1, 3, 2, 2]), rowsOf(0), [[0, 1, 2, 4]]), /from 0 to 3, got 4/],
    [
      "a hue outside",
      () => jitter(zeros([1, 3, 2, 2]), rowsOf(0), [usual], [1, 1, 1, 0.6]),
      /-0\.5 to 0\.5 turns, got 0\.6/,
    ],
  ])("throws for %s", (_, call, message) => {
    scope(() => expect(call).toThrow(message));
    expect(liveTensors().count).toBe(0);
  });
});

function gradient(): Tensor {
  const images = zeros([1, 3, 2, 2]);
  images.requiresGrad = true;
  return images;
}

function jitter(images: Tensor, rows = rowsOf(0), orders = [usual], factors = same): void {
  ops.fastColorJitter_(images, rows, ordersOf(...orders), factorsOf(...orders.map(() => factors)));
}
