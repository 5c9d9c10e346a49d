import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  empty,
  Generator,
  getNumThreads,
  nn,
  noGrad,
  ops,
  randn,
  scope,
  setNumThreads,
  type Tensor,
  usesOneDnn,
  zeros,
} from "../../src/index.js";
import { type Case, cases, withoutOneDnn } from "../support/convolutions.js";
import { answerOf } from "../support/node.js";
import { gradientsOf, largestRelativeError, leaf } from "../support/relative-error.js";

/** The layer and the input `[B, C, H, W]` of a case. */
function drawn({ shape, out, bias = false, ...geometry }: Case) {
  const generator = new Generator(4);
  const layer = noGrad(() => new nn.Conv2d(shape[1], out, { ...geometry, bias, generator }));
  const input = randn(shape, { generator }).contiguous({ memoryFormat: "channelsLast" }); // [B, C, H, W]
  return { layer, input, geometry };
}

/** The layer's output for a case, and the gradients of the sum of its squares. */
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

/** The same with libtorch in float64, without channels last. */
function byLibtorch(given: Case): Record<string, Tensor> {
  const { layer, input: from, geometry } = drawn(given);
  const input = leaf(from.contiguous({ memoryFormat: "contiguous" }), "float64"); // [B, C, H, W]
  const weight = leaf(layer.weight, "float64"); // [out, C, k, k]
  const bias = layer.bias === null ? null : leaf(layer.bias, "float64"); // [out]
  layer.dispose();
  const { stride, padding, groups } = geometry;
  const output = ops.conv2d(input, weight, { bias, stride, padding, groups }); // [B, out, H', W']
  output.mul(output).sum().backward();
  return { output: output.detach(), ...gradientsOf({ input, weight, bias }) };
}

const threads = getNumThreads();
afterEach(() => setNumThreads(threads));

describe("a convolution with channels last", () => {
  it.each(cases)("gives libtorch's maps and gradients: $what", (given) => {
    scope(() => {
      const ours = byLayer(given);
      expect(ours.output.strides[1]).toBe(1); // otherwise libtorch's kernel was used
      expect(largestRelativeError(ours, byLibtorch(given))).toBeLessThan(3e-6);
    });
  });

  it("gives libtorch's maps and gradients without oneDNN, too", () => {
    const errors: number[][] = answerOf(`
      ${withoutOneDnn}
      const { Generator, nn, noGrad, ops, randn, scope } = torch;
      const errorsOf = ({ shape, out, what, ...geometry }) => scope(() => {
        const generator = new Generator(4);
        const layer = noGrad(() => new nn.Conv2d(shape[1], out, { bias: false, ...geometry, generator }));
        const results = (convolve, options) => {
          const leaves = [randn(shape, { generator: new Generator(5) }), layer.weight, layer.bias].map((tensor) => {
            const leaf = tensor?.detach().toCopy(options(tensor)) ?? null;
            if (leaf !== null) leaf.requiresGrad = true;
            return leaf;
          });
          const [input, weight, bias] = leaves;
          const output = convolve(input, weight, { ...geometry, bias });
          output.mul(output).sum().backward();
          return [output, ...leaves.flatMap((leaf) => leaf?.grad ?? [])];
        };
        const ours = results(ops.fastConv2d, ({ shape }) => ({ memoryFormat: shape.length === 4 ? "channelsLast" : "contiguous" }));
        const exact = results(ops.conv2d, () => ({ dtype: "float64" }));
        layer.dispose();
        const norm = (of) => Math.sqrt(of.mul(of).sum().item());
        return ours.map((found, i) => norm(found.to({ dtype: "float64" }).sub(exact[i])) / norm(exact[i]));
      });
      console.log(JSON.stringify(${JSON.stringify(cases)}.map(errorsOf)));`);
    for (const [i, { what, bias = false }] of cases.entries()) {
      expect(errors[i].length, what).toBe(bias ? 4 : 3);
      for (const error of errors[i]) expect(error, what).toBeLessThan(3e-6);
    }
  });

  it.skipIf(!usesOneDnn()).each(cases)(
    "gives an image the same bits whatever the batch is: $what",
    (given) => {
      scope(() => {
        const [, channels, height, width] = given.shape;
        const { layer, input } = drawn({ ...given, shape: [20, channels, height, width] });
        noGrad(() => {
          const together = layer.forward(input); // [20, out, H', W']
          for (const image of [0, 13, 19])
            expect(layer.forward(input.narrow(0, image, 1)).toFloat32Array()).toEqual(
              together.narrow(0, image, 1).toFloat32Array(),
            );
        });
        layer.dispose();
      });
    },
  );

  const shared: Case[] = [
    { what: "a Winograd layer", shape: [2, 64, 32, 32], out: 72, kernelSize: 3, padding: 1 },
    {
      what: "a Winograd layer with vectors of sixteen",
      shape: [2, 64, 32, 32],
      out: 80,
      kernelSize: 3,
      padding: 1,
    },
    { what: "single channels", shape: [5, 16, 9, 9], out: 16, kernelSize: 7, padding: 3, groups: 16 },
  ];

  it.each(shared)("does not depend on how many threads share $what", (given) => {
    scope(() => {
      const bitsWith = (count: number) => {
        setNumThreads(count);
        return Object.values(byLayer(given)).map((tensor) => tensor.toFloat32Array());
      };
      expect(bitsWith(2)).toEqual(bitsWith(1));
    });
  });
});

/** An input `[B, C, H, W]` with channels last. */
function planesOf(shape: number[]): Tensor {
  return randn(shape, { generator: new Generator(0) }).contiguous({ memoryFormat: "channelsLast" });
}

interface Refused {
  what: string;
  message: string | RegExp;
  input?: number[];
  weight?: number[] | (() => Tensor);
  bias?: () => Tensor;
  stride?: number;
  padding?: number;
  groups?: number;
}

// libtorch throws for each of these. An earlier kernel of ours divided by zero for most of them, or returned
// uninitialised memory.
const refused: Refused[] = [
  {
    what: "a kernel larger than the plane",
    input: [1, 8, 2, 2],
    message: /kernel that fits .* got a weight \[8, 8, 3, 3\]/,
  },
  { what: "the same with a stride", input: [1, 8, 2, 2], stride: 2, message: /kernel that fits/ },
  {
    what: "a large one with a large stride",
    input: [1, 8, 2, 2],
    weight: [8, 8, 5, 5],
    stride: 5,
    message: /fits/,
  },
  { what: "a kernel higher than the plane", input: [1, 8, 2, 9], message: /kernel that fits/ },
  {
    what: "a kernel without places",
    weight: [8, 8, 0, 0],
    padding: 1,
    message: /got a weight \[8, 8, 0, 0\]/,
  },
  { what: "a plane without places", input: [1, 8, 0, 6], message: /kernel that fits/ },
  { what: "a stride of 0", stride: 0, message: "Expected a stride from 1 to 2147483647, got 0." },
  { what: "a stride of -0", stride: -0, message: "Expected a stride from 1 to 2147483647, got 0." },
  { what: "a negative stride", stride: -1, message: /stride from 1 .* got -1\./ },
  { what: "a stride beyond all planes", stride: 2 ** 40, message: /stride from 1 .* got 1099511627776\./ },
  { what: "a negative padding", padding: -1, message: "Expected a padding from 0 to 2147483647, got -1." },
  {
    what: "the most negative padding",
    padding: -(2 ** 63),
    message: /integer within 2\^53 for 'padding', got -9223372036854776000/,
  },
  { what: "a padding beyond all memory", padding: 2 ** 30, message: /./ },
  {
    what: "a weight of three dimensions",
    weight: [8, 8, 3],
    message: /Expected a weight .* got \[8, 8, 3\]\./,
  },
  {
    what: "a weight of no outputs",
    weight: [0, 8, 3, 3],
    message: /Expected a weight .* got \[0, 8, 3, 3\]\./,
  },
  {
    what: "a weight of other channels",
    weight: [8, 16, 3, 3],
    message: "Expected an input of 16 channels, got [1, 8, 6, 6].",
  },
  {
    what: "groups of other channels",
    groups: 2,
    message: "Expected an input of 8 x 2 channels, got [1, 8, 6, 6].",
  },
  { what: "groups that outputs do not divide into", weight: [8, 2, 3, 3], groups: 3, message: /got 3\./ },
  { what: "no groups", groups: 0, message: /groups .* got 0\./ },
  {
    what: "an input of five dimensions",
    input: [1, 8, 6, 6, 6],
    message: /Expected an input \[B, C, H, W\]/,
  },
  { what: "a bias of another length", bias: () => zeros([4]), message: "Expected a bias [8], got [4]." },
  {
    what: "a bias of two dimensions",
    bias: () => zeros([8, 1]),
    message: "Expected a bias [8], got [8, 1].",
  },
  {
    what: "a bias of another type",
    bias: () => zeros([8], { dtype: "float64" }),
    message: "Expected the bias of type Float, as the input, got Double.",
  },
  {
    what: "a bias on another device",
    bias: () => empty([8], { device: "meta" }),
    message: "Expected the bias on cpu, as the input, got meta.",
  },
  {
    what: "a weight of another type",
    weight: () => zeros([8, 8, 3, 3], { dtype: "float64" }),
    message: "Expected the weight of type Float, as the input, got Double.",
  },
  {
    what: "a weight on another device",
    weight: () => empty([8, 8, 3, 3], { device: "meta" }),
    message: "Expected the weight on cpu, as the input, got meta.",
  },
];

describe("a convolution throws, and does not end the process", () => {
  it.each(refused)(
    "with $what",
    ({ input = [1, 8, 6, 6], weight = [8, 8, 3, 3], bias, message, ...geometry }) => {
      scope(() => {
        const planes = input.length === 4 ? planesOf(input) : randn(input, { generator: new Generator(0) });
        const taps = typeof weight === "function" ? weight() : randn(weight, { generator: new Generator(1) });
        expect(() => ops.fastConv2d(planes, taps, { bias: bias?.(), ...geometry })).toThrow(message);
      });
    },
  );

  it("gives libtorch's result and gradients if libtorch gives them, and throws if libtorch throws", () => {
    const sides = fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      channels: fc.constantFrom(1, 3, 8, 12, 16),
      out: fc.constantFrom(1, 5, 8, 24),
      height: fc.integer({ min: 1, max: 9 }),
      width: fc.integer({ min: 1, max: 9 }),
      kernel: fc.integer({ min: 1, max: 5 }),
      stride: fc.integer({ min: -1, max: 5 }),
      padding: fc.integer({ min: -1, max: 3 }),
      areSingle: fc.boolean(),
    });
    const outcome = <T>(compute: () => T) => {
      try {
        return compute();
      } catch {
        return null;
      }
    };
    fc.assert(
      fc.property(sides, ({ batch, channels, out, height, width, kernel, areSingle, ...geometry }) => {
        scope(() => {
          const groups = areSingle ? channels : 1;
          const input = planesOf([batch, channels, height, width]); // [B, C, H, W]
          const weight = randn([areSingle ? channels : out, channels / groups, kernel, kernel], {
            generator: new Generator(1),
          }); // [out, C / groups, k, k]
          /** The output `[B, out, H', W']`, and the gradients of its sum. */
          const resultsOf = (
            convolve: (x: Tensor, w: Tensor) => Tensor,
            given: readonly Tensor[],
          ): Record<string, Tensor> => {
            const [x, w] = given.map((tensor) => tensor.detach());
            for (const one of [x, w]) one.requiresGrad = true;
            const output = convolve(x, w); // [B, out, H', W']
            output.sum().backward();
            return { output: output.detach(), ...gradientsOf({ input: x, weight: w }) };
          };
          const exactly = (x: Tensor, w: Tensor) => ops.conv2d(x, w, { ...geometry, groups });
          const exact = [input, weight].map((t) =>
            t.toCopy({ dtype: "float64", memoryFormat: "contiguous" }),
          );
          const theirs = outcome(() => resultsOf(exactly, exact));
          const ours = outcome(() =>
            resultsOf((x, w) => ops.fastConv2d(x, w, { ...geometry, groups }), [input, weight]),
          );
          expect(ours?.output.shape).toEqual(theirs?.output.shape);
          if (ours === null || theirs === null || ours.output.numel === 0) return;
          // What is rounded are products and their sums, whose sizes the result does not show where they cancel out.
          const sizes = resultsOf(
            exactly,
            exact.map((t) => t.abs()),
          );
          for (const [name, found] of Object.entries<Tensor>(ours)) {
            const difference = found.sub(theirs[name]).abs().amax().item();
            expect(difference, name).toBeLessThanOrEqual(5e-6 * sizes[name].amax().item());
          }
        });
      }),
      { numRuns: 150 },
    );
  });
});

const ways = [
  { what: "Winograd's filtering", shape: [2, 8, 9, 9], out: 16, kernelSize: 3, padding: 1 },
  { what: "single pixels", shape: [2, 8, 9, 9], out: 16, kernelSize: 1 },
  { what: "unfolded windows", shape: [2, 8, 9, 9], out: 16, kernelSize: 3, stride: 2, padding: 1 },
  { what: "single channels", shape: [2, 8, 9, 9], out: 8, kernelSize: 7, padding: 3, groups: 8 },
] satisfies Case[];

describe("NaN passes through a convolution", () => {
  const isNaNAt = (of: Tensor) => of.toArray().map(Number.isNaN);

  it.each(ways)("by $what, wherever it goes through libtorch's, forward and back", (given) => {
    for (const place of ["input", "weight", "gradient"] as const) {
      scope(() => {
        const { layer, input: planes, geometry } = drawn(given);
        const found = [true, false].map((isOurs) => {
          const input = leaf(isOurs ? planes : planes.contiguous({ memoryFormat: "contiguous" }), "float32"); // [B, C, H, W]
          const weight = leaf(layer.weight, "float32"); // [out, C, k, k]
          if (place === "input")
            noGrad(() => input.select(0, 1).select(0, 3).select(0, 4).select(0, 5).fill_(Number.NaN));
          if (place === "weight")
            noGrad(() => weight.select(0, 5).select(0, 0).select(0, 0).select(0, 0).fill_(Number.NaN));
          const convolve = isOurs ? ops.fastConv2d : ops.conv2d;
          const output = convolve(input, weight, geometry); // [B, out, H', W']
          const gradient = output.detach().clone().fill_(1);
          if (place === "gradient")
            gradient.select(0, 0).select(0, 7).select(0, 1).select(0, 1).fill_(Number.NaN);
          output.backward({ gradient });
          return { output, ...gradientsOf({ input, weight }) };
        });
        const [ours, theirs] = found.map((tensors) =>
          Object.entries(tensors).map(([name, t]) => ({ name, at: isNaNAt(t) })),
        );
        expect(theirs.some(({ at }) => at.includes(true))).toBe(true);
        for (const [i, { name, at }] of theirs.entries()) {
          // Winograd's tiles spread NaN to more outputs than the windows of the definition do, but never to fewer.
          const stopped = at.filter((isThere, j) => isThere && !ours[i].at[j]).length;
          expect(stopped, `${place} to ${name}`).toBe(0);
        }
        layer.dispose();
      });
    }
  });
});
