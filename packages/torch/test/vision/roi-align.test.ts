import { beforeAll, describe, expect, test } from "vitest";
import { callTensor } from "../../src/dispatch.js";
import {
  Generator,
  getNumThreads,
  loadOperatorLibrary,
  ops,
  randn,
  scope,
  setNumThreads,
  type Tensor,
  tensor,
  vision,
  zeros,
} from "../../src/index.js";
import { Operator } from "../../src/operator.js";
import { type RoiAlignOptions, roiAlignByTensors } from "../../src/vision/roi-align.js";
import { gradientsOf, largestRelativeError, leaf, relativeError } from "../support/relative-error.js";
import { torchvisionLibrary } from "../support/torchvision.js";

const opRoiAlign = new Operator("torchvision::roi_align", "");

function byLibrary(input: Tensor, rois: Tensor, { outputSize, ...rest }: RoiAlignOptions): Tensor {
  const { spatialScale, samplingRatio, aligned } = rest;
  return callTensor(
    opRoiAlign,
    ...[input.handle, rois.handle, spatialScale, ...outputSize, samplingRatio, aligned],
  );
}

const library = torchvisionLibrary();
beforeAll(() => {
  if (library !== null) loadOperatorLibrary(library);
});

/** Within, over the borders, outside, smaller than a place, larger than the plane, turned round, without area. */
const regions = [
  [0, 3.2, 4.1, 30.7, 21.9],
  [1, -9, -5.5, 12, 14],
  [1, 40, 30, 90, 70],
  [0, 200, 200, 260, 230],
  [2, 10.1, 10.2, 10.9, 10.8],
  [2, -20, -20, 120, 100],
  [0, 30, 20, 10, 5],
  [1, 7, 9, 7, 9],
  [2, 0, 0, 60, 44],
];

const cases: [samplingRatio: number, aligned: boolean][] = [
  [0, false],
  [0, true],
  [1, false],
  [2, false],
  [2, true],
  [3, true],
];

/** Blocks of vectors, single vectors, and channels beside them. */
const channels = 2 * 32 + 4 + 3;

describe.skipIf(library === null).each([
  ["by tensors", roiAlignByTensors, "float32"],
  ["by the kernel", vision.roiAlign, "float32"],
  ["of another type, by the library", vision.roiAlign, "float64"],
] as const)("alignment %s", (_, roiAlign, dtype) => {
  test.each(cases)(
    "of sampling ratio %i, aligned: %s, is torchvision's in float64, gradients too",
    (samplingRatio, aligned) => {
      scope(() => {
        const options: RoiAlignOptions = { outputSize: [5, 4], spatialScale: 0.25, samplingRatio, aligned };
        const generator = new Generator(3);
        const values = randn([3, channels, 11, 15], { generator }); // [B, C, H, W]
        const projection = randn([regions.length, channels, 5, 4], { generator });
        const run = (align: typeof roiAlign, of: "float32" | "float64") => {
          const input = leaf(values, of);
          const output = align(input, tensor(regions, { dtype: of }), options); // [R, C, 5, 4]
          output
            .mul(projection.to({ dtype: of }))
            .sum()
            .backward();
          const { grad } = input;
          if (grad === null) throw new Error("expected a gradient, got none");
          return { output, grad };
        };
        const [found, expected] = [run(roiAlign, dtype), run(byLibrary, "float64")];
        expect(found.output.shape).toEqual(expected.output.shape);
        expect(relativeError(found.output, expected.output)).toBeLessThan(1e-5);
        expect(relativeError(found.grad, expected.grad)).toBeLessThan(1e-5);
      });
    },
  );

  test("of a ramp is the ramp at the middles of the bins", () => {
    scope(() => {
      const rows = Array.from({ length: 8 }, (_, y) => Array.from({ length: 10 }, (_, x) => 10 * y + x));
      const ramp = tensor([rows], { dtype });
      const roi = tensor([[0, 2, 1, 8, 5]], { dtype });
      const options = { outputSize: [2, 3], spatialScale: 1, samplingRatio: 2, aligned: true } as const;
      // Pixels' middles are half a pixel from their corners: the bins' middles lie at 3, 5, 7 and 2, 4 less a half.
      const found = roiAlign(ramp.unsqueeze(0), roi, options).toArray();
      const expected = [1.5, 3.5].flatMap((y) => [2.5, 4.5, 6.5].map((x) => 10 * y + x));
      for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 4);
    });
  });

  test("of no regions has no rows, and goes backward", () => {
    scope(() => {
      const input = leaf(randn([1, 2, 4, 4], { generator: new Generator(1) }), dtype);
      const none = tensor([], { shape: [0, 5], dtype });
      const options = { outputSize: [7, 7], spatialScale: 1, samplingRatio: 2, aligned: false } as const;
      const output = roiAlign(input, none, options);
      expect(output.shape).toEqual([0, 2, 7, 7]);
      output.sum().backward();
      expect(input.grad?.abs().sum().item()).toBe(0);
    });
  });
});

const small = { outputSize: [2, 2], samplingRatio: 1, aligned: false } as const;

test.each([
  ["by tensors", roiAlignByTensors],
  ["by the kernel", vision.roiAlign],
])("a region of a picture that the batch has not is refused %s", (_, roiAlign) => {
  scope(() => {
    const planes = zeros([2, 1, 4, 4]);
    for (const picture of [-1, 2, 0.5])
      expect(() => roiAlign(planes, tensor([[picture, 0, 0, 2, 2]]), { ...small, spatialScale: 1 })).toThrow(
        `Expected regions of the batch's 2 pictures, got one of picture ${picture}.`,
      );
  });
});

describe("the kernel", () => {
  /** Maps of two levels, each region at one of them. */
  const drawn = (dtype: "float32" | "float64") => {
    const generator = new Generator(5);
    const levels = [16, 8].map((side, i) => ({
      maps: leaf(randn([3, 8, side, side + 3], { generator }), dtype),
      spatialScale: 0.25 / (i + 1),
    }));
    const levelOf = tensor(
      regions.map((_, i) => i % 2),
      { dtype: "int64" },
    );
    return { levels, rois: tensor(regions, { dtype }), levelOf };
  };

  const aligned = (dtype: "float32" | "float64", pooling: vision.RoiPooling): Record<string, Tensor> => {
    const { levels, rois, levelOf } = drawn(dtype);
    const output = vision.roiAlignOfLevels(levels, rois, levelOf, pooling); // [R, 8, 3, 2]
    output.mul(output).sum().backward();
    return { output, ...gradientsOf(Object.fromEntries(levels.map(({ maps }, i) => [`level ${i}`, maps]))) };
  };

  test("looks each region up at its own level, as one level after another does in float64", () => {
    scope(() => {
      const pooling = { outputSize: [3, 2], samplingRatio: 0, aligned: true } as const;
      expect(largestRelativeError(aligned("float32", pooling), aligned("float64", pooling))).toBeLessThan(
        1e-5,
      );
    });
  });

  test("gives the same numbers on one thread and on several", () => {
    const threads = getNumThreads();
    scope(() => {
      const of = (count: number) => {
        setNumThreads(count);
        const pooling = { outputSize: [7, 7], samplingRatio: 2, aligned: false } as const;
        return Object.values(aligned("float32", pooling)).map((found) => found.toFloat32Array());
      };
      try {
        expect(of(3)).toEqual(of(1));
      } finally {
        setNumThreads(threads);
      }
    });
  });

  test("lets NaN of the maps through, to the regions that lie on it", () => {
    scope(() => {
      const maps = zeros([1, 8, 6, 6]);
      maps.narrow(2, 1, 1).narrow(3, 1, 1).fill_(Number.NaN);
      const rois = tensor([
        [0, 0, 0, 3, 3],
        [0, 3, 3, 6, 6],
      ]);
      const found = vision.roiAlign(maps, rois, { ...small, outputSize: [1, 1], spatialScale: 1 });
      expect(found.isnan().any().item()).toBe(1);
      expect(found.select(0, 1).isnan().any().item()).toBe(0);
    });
  });

  test("refuses what it cannot compute", () => {
    scope(() => {
      const maps = zeros([1, 8, 4, 4]);
      const level = zeros([1], { dtype: "int64" });
      const [rois, scales, pooling] = [tensor([[0, 0, 0, 2, 2]]), [1], [2, 2, 1, false] as const];
      const of = (region: number[]) => () =>
        ops.fastRoiAlign([maps], tensor([region]), level, scales, ...pooling);
      for (const side of [Number.NaN, Number.POSITIVE_INFINITY, 1e9])
        expect(of([0, 0, 0, side, 2])).toThrow("Expected regions within 16777216 places, got a side at");
      expect(() => ops.fastRoiAlign([], rois, level, [], ...pooling)).toThrow(
        "Expected a scale of each of at least one level",
      );
      expect(() => ops.fastRoiAlign([maps], rois, level.add(1), scales, ...pooling)).toThrow(
        "Expected regions of 1 levels, got one of level 1.",
      );
      expect(() => ops.fastRoiAlign([maps], rois, level.narrow(0, 0, 0), scales, ...pooling)).toThrow(
        "Expected int64 levels [1] on the CPU",
      );
      expect(() => ops.fastRoiAlign([maps], rois.narrow(1, 0, 4), level, scales, ...pooling)).toThrow(
        "Expected float32 regions [R, 5] on the CPU",
      );
      expect(() => ops.fastRoiAlign([maps, zeros([2, 8, 2, 2])], rois, level, [1, 0.5], ...pooling)).toThrow(
        "Expected feature maps of 1 pictures and 8 channels",
      );
      expect(() =>
        ops.fastRoiAlign([maps.to({ dtype: "float64" })], rois, level, scales, ...pooling),
      ).toThrow("Expected float32 feature maps on the CPU");
      expect(() => ops.fastRoiAlign([maps.narrow(2, 0, 0)], rois, level, scales, ...pooling)).toThrow(
        "Expected feature maps [B, C, H, W]",
      );
      expect(() => ops.fastRoiAlign([maps], rois, level, scales, 0, 2, 1, false)).toThrow(
        "rows and columns of bins, got 0 and 2",
      );
      expect(() => ops.fastRoiAlign([maps], rois, level, scales, 2, 2, 2 ** 25, false)).toThrow(
        "Expected a sampling ratio up to",
      );
    });
  });
});
