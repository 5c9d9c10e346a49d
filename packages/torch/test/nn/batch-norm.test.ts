import { describe, expect, it } from "vitest";
import { Generator, nn, noGrad, ops, randn, scope, type Tensor } from "../../src/index.js";
import { gradientsOf, largestRelativeError, leaf } from "../support/relative-error.js";

interface Case {
  what: string;
  shape: [number, number, number, number];
  relu: boolean;
  residual: boolean;
  /** Added to the input: sums of squares lose it all where they are not taken about the mean. */
  offset?: number;
  eval?: boolean;
}

const cases: Case[] = [
  { what: "alone", shape: [3, 16, 5, 7], relu: false, residual: false },
  { what: "with ReLU", shape: [3, 16, 5, 7], relu: true, residual: false },
  { what: "with a sum and ReLU", shape: [3, 16, 5, 7], relu: true, residual: true },
  { what: "of more rows than are summed at once", shape: [4, 8, 24, 25], relu: true, residual: true },
  { what: "far from 0", shape: [4, 8, 9, 9], relu: true, residual: true, offset: 300 },
  { what: "of channels that are no multiple of eight", shape: [3, 12, 5, 7], relu: true, residual: true },
  { what: "in evaluation", shape: [3, 16, 5, 7], relu: true, residual: true, eval: true },
];

function drawn({ shape, offset = 0 }: Case) {
  const generator = new Generator(6);
  const [, channels] = shape;
  const layer = new nn.BatchNorm2d(channels);
  layer.loadStateDict({
    weight: randn([channels], { generator }), // [C]
    bias: randn([channels], { generator }), // [C]
    running_mean: randn([channels], { generator }), // [C]
    running_var: randn([channels], { generator }).abs().add(0.5), // [C]
    num_batches_tracked: layer.numBatchesTracked.clone(),
  });
  const planes = () => randn(shape, { generator }).contiguous({ memoryFormat: "channelsLast" }); // [B, C, H, W]
  return { layer, input: planes().mul(3).add(offset), residual: planes(), target: planes() }; // [B, C, H, W] each
}

/** What the layer makes of a case, its gradients, and its statistics afterwards. */
function byLayer(given: Case): Record<string, Tensor> {
  const { layer, target, ...planes } = drawn(given);
  layer.train(!given.eval);
  const input = leaf(planes.input, "float32"); // [B, C, H, W]
  const residual = given.residual ? leaf(planes.residual, "float32") : null; // [B, C, H, W]
  const output = given.relu ? layer.forwardRelu(input, residual) : layer.forward(input); // [B, C, H, W]
  output.mul(target).sum().backward();
  const { weight, bias } = layer;
  const found = {
    output: output.detach(),
    mean: layer.runningMean.clone(),
    variance: layer.runningVar.clone(),
    ...gradientsOf({ input, residual, weight, bias }),
  };
  layer.dispose();
  return found;
}

/** The same by libtorch's own operators in float64, one after the other. */
function byLibtorch(given: Case): Record<string, Tensor> {
  const { layer, target, ...planes } = drawn(given);
  const input = leaf(planes.input.contiguous({ memoryFormat: "contiguous" }), "float64"); // [B, C, H, W]
  const residual = given.residual ? leaf(planes.residual, "float64") : null; // [B, C, H, W]
  const [weight, bias] = [leaf(layer.weight ?? input, "float64"), leaf(layer.bias ?? input, "float64")]; // [C]
  const [mean, variance] = [layer.runningMean, layer.runningVar].map((old) =>
    old.toCopy({ dtype: "float64" }),
  ); // [C]
  layer.dispose();
  const isTraining = !given.eval;
  const normalized = ops.batchNorm(input, weight, bias, mean, variance, isTraining, 0.1, 1e-5, false); // [B, C, H, W]
  const sum = residual === null ? normalized : normalized.add(residual); // [B, C, H, W]
  const output = given.relu ? sum.relu() : sum; // [B, C, H, W]
  output
    .mul(target.to({ dtype: "float64" }))
    .sum()
    .backward();
  return { output: output.detach(), mean, variance, ...gradientsOf({ input, residual, weight, bias }) };
}

describe("batch normalisation with channels last", () => {
  it.each(cases)("gives libtorch's maps, gradients and statistics: $what", (given) => {
    scope(() => {
      const rounding = given.offset === undefined ? 1e-6 : 1e-4; // an input far from 0 has fewer digits left
      expect(largestRelativeError(byLayer(given), byLibtorch(given))).toBeLessThan(rounding);
    });
  });

  it("gives libtorch's maps in evaluation where no gradients are wanted, and leaves the statistics alone", () => {
    scope(() => {
      const given = cases[cases.length - 1];
      const { layer, input, residual } = drawn(given);
      const output = noGrad(() => layer.eval().forwardRelu(input, residual)); // [B, C, H, W]
      const { output: expected, mean, variance } = byLibtorch(given);
      const statistics = { mean: layer.runningMean, variance: layer.runningVar };
      expect(
        largestRelativeError({ output, ...statistics }, { output: expected, mean, variance }),
      ).toBeLessThan(1e-6);
      expect(layer.numBatchesTracked.item()).toBe(0);
      layer.dispose();
    });
  });

  it("keeps to a channel that never changes", () => {
    scope(() => {
      const layer = new nn.BatchNorm2d(8);
      const input = randn([2, 8, 3, 3], { generator: new Generator(1) }) // [2, 8, 3, 3]
        .contiguous({ memoryFormat: "channelsLast" });
      noGrad(() => input.select(1, 5).fill_(1234.5));
      const output = layer.forward(input); // [2, 8, 3, 3]
      const constant = output.select(1, 5).toFloat32Array();
      expect(Math.max(...constant.map(Math.abs))).toBeLessThan(0.05);
      layer.dispose();
    });
  });
});
