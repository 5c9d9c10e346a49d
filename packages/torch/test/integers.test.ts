import {
  arange,
  fromTypedArray,
  Generator,
  getNumThreads,
  keep,
  Operator,
  ones,
  ops,
  scope,
  setNumThreads,
  zeros,
} from "@salmask/torch";
import { describe, expect, test } from "vitest";

// The number, and its text in a message.
const none: [number, string][] = [
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [Number.NEGATIVE_INFINITY, "-Infinity"],
  [0.5, "0.5"],
  [-1.25, "-1.25"],
  [2 ** 53, "9007199254740992"],
  [-(2 ** 63), "-9223372036854776000"],
  [1e300, "1e+300"],
];

describe("a value that is not an integer is rejected with what was expected and what it got", () => {
  test.each(none)("%d", (value, shown) => {
    scope(() => {
      const refused = (name: string) => `Expected an integer within 2^53 for '${name}', got ${shown}`;
      const x = ones([4, 4]);
      expect(() => x.narrow(0, value, 1)).toThrow(refused("start"));
      expect(() => x.reshape([value, 4])).toThrow(refused("shape"));
      expect(() => x.sum(value)).toThrow(refused("dim"));
      expect(() => ops.maxPool2d(x.reshape([1, 1, 4, 4]), value)).toThrow(refused("kernel_size"));
      expect(() => ops.maxPool2d(x.reshape([1, 1, 4, 4]), [2, value])).toThrow(refused("kernel_size"));
      expect(() => ops.conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 1, 1]), { padding: value })).toThrow(
        refused("padding"),
      );
      expect(() => ops.fastConv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 1, 1]), { padding: value })).toThrow(
        refused("padding"),
      );
      expect(() => fromTypedArray(new Float32Array(4), [value])).toThrow(refused("shape"));
      expect(() => setNumThreads(value)).toThrow(
        `Expected an integer from 1 to 4096 for 'threads', got ${shown}`,
      );
      expect(() => new Generator(value)).toThrow(
        `Expected an integer from 0 to 9007199254740991 for 'seed', got ${shown}`,
      );
    });
  });

  test.each([
    ["a string", "2"],
    ["undefined", undefined],
    ["null", null],
    ["a boolean", true],
  ])("%s in a list", (shown, value) => {
    scope(() => {
      const reshape = new Operator("aten::reshape", "");
      expect(() => reshape.call(ones([4]).handle, [value, 2])).toThrow(
        `Expected an integer within 2^53 for 'shape', got ${shown}.`,
      );
    });
  });

  test("a list that has a length and no elements", () => {
    scope(() => {
      const x = ones([4]);
      expect(() => x.reshape(new Array(2 ** 32 - 1))).toThrow("got undefined.");
      expect(() => new Operator("aten::cat", "").call(new Array(2 ** 32 - 1))).toThrow("got undefined.");
    });
  });
});

test("-0 is 0", () => {
  scope(() => {
    const x = arange(6).reshape([2, 3]);
    expect(x.narrow(-0, -0, 1).toArray()).toEqual([0, 1, 2]);
    expect(x.sum(-0).toArray()).toEqual([3, 5, 7]);
    expect(zeros([-0, 3]).shape).toEqual([0, 3]);
    expect(
      zeros([2])
        .fill_(-0)
        .toArray()
        .map((value) => Object.is(value, 0)),
    ).toEqual([true, true]);
  });
});

test("threads are from 1 to 4096", () => {
  const before = getNumThreads();
  for (const threads of [0, -1, 4097, 2 ** 31, 2 ** 32 + 1, 9e15])
    expect(() => setNumThreads(threads)).toThrow(
      `Expected an integer from 1 to 4096 for 'threads', got ${threads}.`,
    );
  expect(getNumThreads()).toBe(before);
});

test("a handle is a whole number that is in use", () => {
  scope(() => {
    const x = keep(ones([2]));
    const negate = new Operator("aten::neg", "");
    for (const wrong of [x.handle + 0.5, -1, Number.NaN, 2 ** 32 + x.handle])
      expect(() => negate.call(wrong)).toThrow(/^Expected a tensor for 'self', got /);
    for (const wrong of [0, 4_000_000_000])
      expect(() => negate.call(wrong)).toThrow(/^Expected a live handle, got /);
    x.dispose();
  });
});

test("an element type is one that libtorch has", () => {
  scope(() => {
    const empty = new Operator("aten::empty", "memory_format");
    expect(() => empty.call([1], "float32")).toThrow(
      "Expected an integer within 2^53 for 'dtype', got a string.",
    );
  });
});
