import { beforeAll, describe, expect, test } from "vitest";
import { callTensor } from "../../src/dispatch.js";
import {
  Generator,
  loadOperatorLibrary,
  ops,
  randn,
  scope,
  type Tensor,
  tensor,
  vision,
} from "../../src/index.js";
import { Operator } from "../../src/operator.js";
import { type RoiAlignOptions, roiAlignByTensors } from "../../src/vision/roi-align.js";
import { relativeError } from "../support/relative-error.js";
import { torchvisionLibrary } from "../support/torchvision.js";

const opRoiAlign = new Operator("torchvision::roi_align", "");

function byLibrary(input: Tensor, rois: Tensor, { outputSize, ...rest }: RoiAlignOptions): Tensor {
  const { spatialScale, samplingRatio, aligned } = rest;
  return callTensor(
    opRoiAlign,
    ...[input.handle, rois.handle, spatialScale, ...outputSize, samplingRatio, aligned],
  );
}

beforeAll(() => loadOperatorLibrary(torchvisionLibrary()));

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

describe.each([
  ["without the library", roiAlignByTensors],
  ["with it", vision.roiAlign],
])("alignment %s", (_, roiAlign) => {
  test.each(cases)(
    "of sampling ratio %i, aligned: %s, is torchvision's, gradients too",
    (samplingRatio, aligned) => {
      scope(() => {
        const options: RoiAlignOptions = { outputSize: [5, 4], spatialScale: 0.25, samplingRatio, aligned };
        const generator = new Generator(3);
        const values = randn([3, 6, 11, 15], { generator }); // [B, C, H, W]
        const projection = randn([regions.length, 6, 5, 4], { generator });
        const run = (align: typeof roiAlign) => {
          const input = values.clone();
          input.requiresGrad = true;
          const output = align(input, tensor(regions), options); // [R, C, 5, 4]
          output.mul(projection).sum().backward();
          const { grad } = input;
          if (grad === null) throw new Error("expected a gradient, got none");
          return { output, grad };
        };
        const [found, expected] = [run(roiAlign), run(byLibrary)];
        expect(found.output.shape).toEqual(expected.output.shape);
        expect(relativeError(found.output, expected.output)).toBeLessThan(1e-5);
        expect(relativeError(found.grad, expected.grad)).toBeLessThan(1e-5);
      });
    },
  );

  test("of a ramp is the ramp at the middles of the bins", () => {
    scope(() => {
      const ramp = tensor([
        Array.from({ length: 8 }, (_, y) => Array.from({ length: 10 }, (_, x) => 10 * y + x)),
      ]);
      const roi = tensor([[0, 2, 1, 8, 5]]);
      const options = { outputSize: [2, 3], spatialScale: 1, samplingRatio: 2, aligned: true } as const;
      // Pixels' middles are half a pixel from their corners: the bins' middles lie at 3, 5, 7 and 2, 4 less a half.
      const found = roiAlign(ramp.unsqueeze(0), roi, options).toArray();
      const expected = [1.5, 3.5].flatMap((y) => [2.5, 4.5, 6.5].map((x) => 10 * y + x));
      for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 4);
    });
  });

  test("of no regions has no rows, and goes backward", () => {
    scope(() => {
      const input = randn([1, 2, 4, 4], { generator: new Generator(1) });
      input.requiresGrad = true;
      const none = tensor([], { shape: [0, 5] });
      const options = { outputSize: [7, 7], spatialScale: 1, samplingRatio: 2, aligned: false } as const;
      const output = roiAlign(input, none, options);
      expect(output.shape).toEqual([0, 2, 7, 7]);
      output.sum().backward();
      expect(input.grad?.abs().sum().item()).toBe(0);
    });
  });
});

test("a region of a picture that the batch has not is refused", () => {
  scope(() => {
    const options = { outputSize: [2, 2], spatialScale: 1, samplingRatio: 1, aligned: false } as const;
    const planes = ops.zeros([2, 1, 4, 4], { dtype: "float32" });
    for (const picture of [-1, 2, 0.5])
      expect(() => roiAlignByTensors(planes, tensor([[picture, 0, 0, 2, 2]]), options)).toThrow(
        `Expected regions of the batch's 2 pictures, got one of picture ${picture}.`,
      );
  });
});
