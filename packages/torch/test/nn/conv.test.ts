import { afterEach, describe, expect, it } from "vitest";
import {
  Generator,
  getNumThreads,
  nn,
  noGrad,
  ops,
  randn,
  scope,
  setNumThreads,
  type Tensor,
} from "../../src/index.js";
import { gradientsOf, largestRelativeError, leaf } from "../support/relative-error.js";

interface Case {
  what: string;
  shape: [number, number, number, number];
  out: number;
  kernelSize: number;
  stride?: number;
  padding?: number;
  bias?: boolean;
}

const cases: Case[] = [
  { what: "tiles that fill the plane", shape: [2, 8, 8, 8], out: 16, kernelSize: 3, padding: 1 },
  { what: "tiles over the edge", shape: [3, 16, 7, 9], out: 8, kernelSize: 3, padding: 1 },
  { what: "a plane within one tile", shape: [5, 24, 2, 1], out: 40, kernelSize: 3, padding: 1 },
  { what: "many tiles and channels", shape: [2, 64, 32, 32], out: 72, kernelSize: 3, padding: 1, bias: true },
  {
    what: "channels that are no multiple of eight",
    shape: [2, 12, 7, 9],
    out: 20,
    kernelSize: 3,
    padding: 1,
  },
  { what: "no padding", shape: [2, 8, 7, 9], out: 8, kernelSize: 3 },
  { what: "a stride", shape: [3, 16, 9, 8], out: 24, kernelSize: 3, stride: 2, padding: 1 },
  { what: "more images than are unfolded at once", shape: [9, 64, 64, 64], out: 4, kernelSize: 3, stride: 2 },
  { what: "a stem", shape: [2, 3, 32, 32], out: 8, kernelSize: 7, stride: 2, padding: 3, bias: true },
  { what: "single pixels", shape: [3, 20, 5, 7], out: 12, kernelSize: 1, bias: true },
  { what: "single pixels with a stride", shape: [3, 16, 5, 7], out: 8, kernelSize: 1, stride: 2 },
  { what: "single pixels with padding", shape: [3, 16, 5, 7], out: 8, kernelSize: 1, padding: 1 },
];

/** The weights and an input of a case, and weights of what comes out, `[B, out, H', W']`. */
function drawn({ shape, out, bias = false, ...geometry }: Case) {
  const generator = new Generator(4);
  const layer = noGrad(() => new nn.Conv2d(shape[1], out, { ...geometry, bias, generator }));
  const input = randn(shape, { generator }).contiguous({ memoryFormat: "channelsLast" }); // [B, C, H, W]
  return { layer, input, geometry };
}

/** What the layer makes of a case, and the gradients of its output's squares. */
function byLayer(given: Case): Record<string, Tensor> {
  const { layer, input } = drawn(given);
  input.requiresGrad = true;
  const output = layer.forward(input); // [B, out, H', W']
  output.mul(output).sum().backward();
  const { weight, bias } = layer;
  const found = { output: output.detach(), ...gradientsOf({ input, weight, bias }) };
  layer.dispose();
  return found;
}

/** The same by libtorch in float64, row by row. */
function byLibtorch(given: Case): Record<string, Tensor> {
  const { layer, input: from, geometry } = drawn(given);
  const input = leaf(from.contiguous({ memoryFormat: "contiguous" }), "float64"); // [B, C, H, W]
  const weight = leaf(layer.weight, "float64"); // [out, C, k, k]
  const bias = layer.bias === null ? null : leaf(layer.bias, "float64"); // [out]
  layer.dispose();
  const { stride, padding } = geometry;
  const output = ops.conv2d(input, weight, { bias, stride, padding }); // [B, out, H', W']
  output.mul(output).sum().backward();
  return { output: output.detach(), ...gradientsOf({ input, weight, bias }) };
}

const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

describe("a convolution with channels last", () => {
  it.each(cases)("gives libtorch's maps and gradients: $what", (given) => {
    scope(() => {
      const ours = byLayer(given);
      expect(ours.output.strides[1]).toBe(1); // else it was not ours
      expect(largestRelativeError(ours, byLibtorch(given))).toBeLessThan(3e-6);
    });
  });

  it("does not depend on how many threads share a Winograd layer", () => {
    scope(() => {
      const bitsWith = (count: number) => {
        setNumThreads(count);
        return Object.values(byLayer({ ...cases[3], bias: false })).map((tensor) => tensor.toFloat32Array());
      };
      expect(bitsWith(2)).toEqual(bitsWith(1));
    });
  });

  it("says which channels were expected, and which came", () => {
    scope(() => {
      const layer = new nn.Conv2d(8, 8, { kernelSize: 3, padding: 1, generator: new Generator(0) });
      const input = randn([1, 16, 4, 4], { generator: new Generator(0) }) // [1, 16, 4, 4]
        .contiguous({ memoryFormat: "channelsLast" });
      expect(() => layer.forward(input)).toThrow(/expected an input of 8 channels, but \[1, 16, 4, 4\] came/);
      layer.dispose();
    });
  });
});
