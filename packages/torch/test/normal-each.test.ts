import {
  empty,
  fromTypedArray,
  Generator,
  ops,
  scope,
  setNumThreads,
  type Tensor,
  zeros,
} from "@salmask/torch";
import { afterEach, describe, expect, test } from "vitest";

const seedsOf = (...seeds: number[]) => fromTypedArray(BigInt64Array.from(seeds, BigInt), [seeds.length]); // [n]

/** The images, filled. */
function filled(images: Tensor, seeds: Tensor, std: number): Tensor {
  ops.fastNormalEach_(images, seeds, { std });
  return images;
}

const seeds = [0, 1, 7, 2 ** 32 - 1, 7];

afterEach(() => setNumThreads(1));

describe("fastNormalEach_", () => {
  test.each([
    { threads: 1, shape: [3, 8, 9] },
    { threads: 3, shape: [3, 8, 9] },
    { threads: 2, shape: [5] },
  ])(
    "draws what normal_ draws with each image's generator: $threads threads, $shape",
    ({ threads, shape }) => {
      setNumThreads(threads);
      scope(() => {
        const ours = filled(empty([seeds.length, ...shape]), seedsOf(...seeds), 0.5);
        for (const [i, seed] of seeds.entries()) {
          const expected = empty(shape);
          ops.normal_(expected, { std: 0.5, generator: new Generator(seed) });
          expect(ours.select(0, i).toArray()).toEqual(expected.toArray());
        }
      });
    },
  );

  test("takes a batch without images, images without places, and a deviation of 0", () => {
    scope(() => {
      expect(filled(zeros([0, 3]), seedsOf(), 1).shape).toEqual([0, 3]);
      expect(filled(zeros([2, 0]), seedsOf(1, 2), 1).shape).toEqual([2, 0]);
      expect(filled(zeros([1, 4]).add(1), seedsOf(1), 0).toArray()).toEqual([0, 0, 0, 0]);
    });
  });

  test("refuses what it cannot fill", () => {
    scope(() => {
      expect(() => ops.fastNormalEach_(zeros([]), seedsOf())).toThrow("Expected float32 images [B, ...]");
      expect(() => ops.fastNormalEach_(zeros([2, 4]).t(), seedsOf(1, 2, 3, 4))).toThrow("without gaps");
      expect(() => ops.fastNormalEach_(zeros([2], { dtype: "float64" }), seedsOf(1, 2))).toThrow("float32");
      expect(() => ops.fastNormalEach_(zeros([2, 4]), seedsOf(1))).toThrow("Expected int64 seeds [2]");
      expect(() => ops.fastNormalEach_(zeros([2, 4]), zeros([2]))).toThrow("Expected int64 seeds [2]");
      expect(() => ops.fastNormalEach_(zeros([1, 4]), seedsOf(1), { std: -1 })).toThrow("at least 0");
    });
  });
});
