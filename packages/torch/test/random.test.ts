import { KeyedRandom } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { philox4x32 } from "../src/random.js";

const key = fc.array(fc.maxSafeNat(), { maxLength: 6 });

/** Pearson's chi-square statistic of counts that should be equal. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, n) => sum + n, 0) / counts.length;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

/** A bound that a correct statistic exceeds only once in about 30,000 keys: the mean plus 4.5 standard deviations. */
function bound(cells: number): number {
  return cells - 1 + 4.5 * Math.sqrt(2 * (cells - 1));
}

describe("philox4x32 gives Random123's known answers", () => {
  test.each([
    ["zeros", [0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    ["ones", Array(4).fill(0xffffffff), [0xffffffff, 0xffffffff], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [
      "pi",
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ])("%s", (_, counter, [key0, key1], expected) => {
    const words = philox4x32(Uint32Array.from(counter), key0, key1);
    expect(Array.from(words, (w) => w.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
  });
});

describe("a key", () => {
  test("repeats its stream", () => {
    fc.assert(
      fc.property(key, (parts) => {
        const [a, b] = [new KeyedRandom(...parts), new KeyedRandom(...parts)];
        for (let i = 0; i < 9; i++) expect(a.uint32()).toBe(b.uint32());
      }),
    );
  });

  test("with another part, order or length has another stream", () => {
    const start = (parts: number[]) => {
      const random = new KeyedRandom(...parts);
      return `${random.uint32()} ${random.uint32()}`;
    };
    fc.assert(
      fc.property(key, key, (a, b) => {
        fc.pre(a.join() !== b.join());
        expect(start(a)).not.toBe(start(b));
      }),
    );
    const near = [[], [0], [0, 0], [0, 0, 0], [1], [0, 1], [1, 0], [2 ** 32], [2 ** 32, 0], [2 ** 52]];
    expect(new Set(near.map(start)).size).toBe(near.length);
  });

  test("leaves streams of neighbouring keys uncorrelated", () => {
    const n = 4000;
    let product = 0;
    for (let i = 0; i < n; i++) {
      product += (new KeyedRandom(7, i, 0).uniform() - 0.5) * (new KeyedRandom(7, i, 1).uniform() - 0.5);
    }
    // The correlation of independent streams has standard deviation 1 / sqrt(n).
    expect(Math.abs((12 * product) / n)).toBeLessThan(4.5 / Math.sqrt(n));
  });

  test("must consist of whole numbers of at least 0", () => {
    for (const part of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => new KeyedRandom(1, part)).toThrow(`got ${part}`);
  });
});

describe("draws", () => {
  test("uniform fills its cells evenly, along one stream and across keys", () => {
    const random = new KeyedRandom(1);
    const along = new Array<number>(64).fill(0);
    const across = new Array<number>(64).fill(0);
    for (let i = 0; i < 20_000; i++) {
      along[Math.floor(random.uniform() * 64)]++;
      across[Math.floor(new KeyedRandom(1, i).uniform() * 64)]++;
    }
    expect(chiSquare(along)).toBeLessThan(bound(64));
    expect(chiSquare(across)).toBeLessThan(bound(64));
  });

  test("uniformIn stays in [low, high)", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        (seed, low, width) => {
          const value = new KeyedRandom(seed).uniformIn(low, low + width);
          expect(value >= low && value < low + width).toBe(true);
        },
      ),
    );
  });

  test("integer covers 0 to n - 1 evenly and nothing else", () => {
    const random = new KeyedRandom(2);
    for (const n of [1, 2, 7, 100]) {
      const counts = new Array<number>(n).fill(0);
      for (let i = 0; i < 200 * n; i++) counts[random.integer(n)]++;
      expect(counts.length).toBe(n);
      if (n > 1) expect(chiSquare(counts)).toBeLessThan(bound(n));
    }
    // With n just above 2^31, a plain remainder would return low numbers twice as often.
    const large = 2 ** 31 + 1;
    let low = 0;
    for (let i = 0; i < 4000; i++) low += Number(random.integer(large) < large / 2);
    expect(Math.abs(low / 4000 - 0.5)).toBeLessThan((4.5 * 0.5) / Math.sqrt(4000));
  });

  test("integer rejects invalid ranges", () => {
    for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN])
      expect(() => new KeyedRandom(1).integer(n)).toThrow(`got ${n}`);
    expect(new KeyedRandom(1).integer(2 ** 32)).toBeGreaterThanOrEqual(0);
  });

  test("normal has the moments of the standard normal", () => {
    const random = new KeyedRandom(3);
    const n = 20_000;
    const values = Array.from({ length: n }, () => random.normal());
    const moment = (power: number) => values.reduce((sum, v) => sum + v ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4.5 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4.5 * Math.sqrt(2 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4.5 * Math.sqrt(96 / n));
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test("permutation holds each number once", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 200 }), (seed, n) => {
        const order = new KeyedRandom(seed).permutation(n);
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test("all 24 orders of four have the same probability", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = new KeyedRandom(4, i).permutation(4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()])).toBeLessThan(bound(24));
  });
});
