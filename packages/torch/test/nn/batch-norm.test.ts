import { describe, expect, it } from "vitest";
import {
  empty,
  Generator,
  nn,
  noGrad,
  ones,
  ops,
  randn,
  scope,
  type Tensor,
  zeros,
} from "../../src/index.js";
import { gradientsOf, largestRelativeError, leaf } from "../support/relative-error.js";

interface Case {
  what: string;
  shape: [number, number, number, number];
  relu: boolean;
  residual: boolean;
  /** Added to the input: sums of squares lose all precision if they are not taken about the mean. */
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

/** The layer's output for a case, its gradients, and its statistics afterwards. */
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

/** The same with libtorch's own operators in float64, one after the other. */
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
      const rounding = given.offset === undefined ? 1e-6 : 1e-4; // an input far from 0 has less precision
      expect(largestRelativeError(byLayer(given), byLibtorch(given))).toBeLessThan(rounding);
    });
  });

  it("gives libtorch's result in evaluation without gradients, and does not change the statistics", () => {
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

  it("gives gradients whose mean is 0, whatever the mean of those that come, so that layers before can add them up", () => {
    scope(() => {
      const generator = new Generator(4);
      const [count, channels, side] = [64, 16, 7];
      const layer = new nn.BatchNorm2d(channels);
      const input = leaf(
        randn([count, channels, side, side], { generator }).contiguous({ memoryFormat: "channelsLast" }),
        "float32",
      ); // [64, 16, 7, 7]
      // As after a mean over all places.
      const target = randn([count, channels, 1, 1], { generator }).mul(0.1).add(1); // [64, 16, 1, 1]
      layer.forward(input).mul(target).sum().backward();
      expect(input.grad).not.toBeNull();
      const means = input.grad?.to({ dtype: "float64" }).mean([0, 2, 3]).toArray() ?? []; // [16]
      // Of gradients around 1, float32 knows the mean to 3e-8.
      expect(Math.max(...means.map(Math.abs))).toBeLessThan(1e-7);
      layer.dispose();
    });
  });

  it("keeps the mean over all batches where momentum is null", () => {
    scope(() => {
      const layer = new nn.BatchNorm2d(8, { momentum: null });
      const generator = new Generator(9);
      const batches = [1, 2, 3].map(() =>
        randn([4, 8, 3, 5], { generator }).contiguous({ memoryFormat: "channelsLast" }),
      ); // [4, 8, 3, 5] each
      noGrad(() => {
        for (const batch of batches) layer.forward(batch);
      });
      const meanOf = (values: Tensor[]) => ops.stack(values).mean(0); // [8]
      const mean = meanOf(batches.map((batch) => batch.mean([0, 2, 3])));
      // Each batch has 60 values per channel.
      const variance = meanOf(
        batches.map((batch) => {
          const centred = batch.sub(batch.mean([0, 2, 3]).reshape([1, 8, 1, 1])); // [4, 8, 3, 5]
          return centred.mul(centred).sum([0, 2, 3]).div(59);
        }),
      );
      const found = { mean: layer.runningMean, variance: layer.runningVar };
      expect(largestRelativeError(found, { mean, variance })).toBeLessThan(1e-6);
      layer.dispose();
    });
  });

  it("normalises a constant channel to about 0", () => {
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

/** `[B, C, H, W]` with channels last. */
function planesOf(shape: number[]): Tensor {
  return randn(shape, { generator: new Generator(2) }).contiguous({ memoryFormat: "channelsLast" });
}

/** Row-major indices of NaN values in a tensor. */
function nanPlaces(tensor: Tensor): number[] {
  return tensor.toArray().flatMap((value, i) => (Number.isNaN(value) ? [i] : []));
}

describe("NaN passes through batch norm, the addition and ReLU, forward and backward", () => {
  const cases = (["input", "residual", "weight", "gradient"] as const).flatMap((place) =>
    [true, false].map((hasResidual) => ({ place, hasResidual })),
  );

  it.each(cases)("from the $place, with a residual: $hasResidual", ({ place, hasResidual }) => {
    scope(() => {
      const planes = { input: planesOf([2, 16, 4, 4]), residual: planesOf([2, 16, 4, 4]) }; // [2, 16, 4, 4] each
      const spoil = (of: typeof place, tensor: Tensor) => {
        const one = tensor.ndim === 4 ? tensor.select(0, 1).select(2, 3).select(1, 2) : tensor; // [16]
        if (of === place) noGrad(() => one.select(0, 5).fill_(Number.NaN));
      };
      const [ours, theirs] = [true, false].map((isOurs) => {
        const input = leaf(planes.input, "float32"); // [2, 16, 4, 4]
        const residual = hasResidual ? leaf(planes.residual, "float32") : null; // [2, 16, 4, 4]
        const [weight, bias] = [leaf(ones([16]), "float32"), leaf(zeros([16]), "float32")]; // [16]
        const [mean, variance] = [zeros([16]), ones([16])]; // [16]
        spoil("input", input);
        if (residual !== null) spoil("residual", residual);
        spoil("weight", weight);
        const settings = [weight, bias, mean, variance, true, 0.1, 1e-5] as const;
        let output: Tensor; // [2, 16, 4, 4]
        if (isOurs) output = ops.fastBatchNorm(input, ...settings, { residual, relu: true });
        else {
          const normalized = ops.batchNorm(input, ...settings, false); // [2, 16, 4, 4]
          output = (residual === null ? normalized : normalized.add(residual)).relu();
        }
        const gradient = ops.full(output.shape, 1, { dtype: "float32" }); // [2, 16, 4, 4]
        if (place === "gradient") gradient.select(1, 5).fill_(Number.NaN); // ReLU stops some of them
        output.backward({ gradient });
        const found = { output, mean, variance, ...gradientsOf({ input, residual, weight, bias }) };
        return Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, nanPlaces(tensor)]));
      });
      expect(ours).toEqual(theirs);
      const isThere = place !== "residual" || hasResidual;
      expect(Object.values(theirs).some((places) => places.length > 0)).toBe(isThere);
    });
  });

  it("if only one element of the output is NaN", () => {
    scope(() => {
      const layer = new nn.BatchNorm2d(8).eval();
      const [input, residual] = [planesOf([2, 8, 3, 3]), planesOf([2, 8, 3, 3])]; // [2, 8, 3, 3] each
      residual.select(0, 1).select(0, 4).select(0, 1).select(0, 2).fill_(Number.NaN);
      const at = ((1 * 8 + 4) * 3 + 1) * 3 + 2;
      expect(nanPlaces(noGrad(() => layer.forwardRelu(input, residual)))).toEqual([at]);
      layer.dispose();
    });
  });
});

interface Given {
  input: Tensor;
  residual: Tensor;
  weight: Tensor;
  bias: Tensor;
  runningMean: Tensor;
  runningVar: Tensor;
}

const vectors = ["weight", "bias", "runningMean", "runningVar"] as const;
const nameOf = {
  weight: "weight",
  bias: "bias",
  runningMean: "running mean",
  runningVar: "running variance",
};

describe.each(["training", "evaluation"])("batch norm in %s refuses", (mode) => {
  function expectRefused(other: (given: Given) => Partial<Given>, message: string | RegExp): void {
    scope(() => {
      const planes = () => planesOf([4, 16, 8, 8]); // [4, 16, 8, 8]
      const usual = {
        ...{ input: planes(), residual: planes(), weight: ones([16]), bias: zeros([16]) },
        ...{ runningMean: zeros([16]), runningVar: ones([16]) },
      };
      const { input, residual, weight, bias, runningMean, runningVar } = { ...usual, ...other(usual) };
      const isTraining = mode === "training";
      const call = () =>
        noGrad(() =>
          ops.fastBatchNorm(input, weight, bias, runningMean, runningVar, isTraining, 0.1, 1e-5, {
            residual,
            relu: true,
          }),
        );
      expect(call).toThrow(message);
    });
  }

  it.each([
    [[1, 8, 1, 1]],
    [[4, 16, 8, 1]],
    [[4, 16, 4, 4]],
    [[4, 16, 16, 16]],
    [[8, 16, 8, 8]],
    [[16]],
    [[]],
  ])("a residual of shape %j", (shape) =>
    expectRefused(
      () => ({ residual: shape.length === 4 ? planesOf(shape) : zeros(shape) }),
      `Expected a residual of the input's shape [4, 16, 8, 8], got [${shape.join(", ")}].`,
    ),
  );

  it.each(vectors)("a %s of another length, shape, type or device", (name) => {
    for (const shape of [[8], [4096], [1], [16, 1], []])
      expectRefused(
        () => ({ [name]: ones(shape) }),
        `Expected a ${nameOf[name]} [16], got [${shape.join(", ")}].`,
      );
    expectRefused(
      () => ({ [name]: empty([16], { device: "meta" }) }),
      `Expected the ${nameOf[name]} on cpu, as the input, got meta.`,
    );
    expectRefused(() => ({ [name]: ones([16], { dtype: "float64" }) }), /Float/);
  });

  it("a residual of another type or device", () => {
    expectRefused(
      ({ residual }) => ({ residual: residual.to({ dtype: "float64" }) }),
      /Expected the residual of type Float/,
    );
    expectRefused(
      ({ residual }) => ({ residual: empty(residual.shape, { device: "meta" }) }),
      "Expected the residual on cpu, as the input, got meta.",
    );
  });

  it("an input without channels", () => {
    expectRefused(() => ({ input: zeros([16]) }), "Expected an input [B, C, ...], got [16].");
  });
});

it("training with one value per channel throws", () => {
  scope(() => {
    const layer = new nn.BatchNorm2d(8);
    expect(() => layer.forward(planesOf([1, 8, 1, 1]))).toThrow(
      "Expected more than one value per channel in training, got an input [1, 8, 1, 1].",
    );
    expect(layer.runningVar.toArray()).toEqual(Array(8).fill(1));
    layer.eval();
    expect(layer.forward(planesOf([1, 8, 1, 1])).shape).toEqual([1, 8, 1, 1]);
    layer.dispose();
  });
});

it("frozen normalises by its running statistics in training too, and learns nothing", () => {
  using layer = new nn.BatchNorm2d(8);
  const generator = new Generator(9);
  scope(() => {
    layer.loadStateDict({
      weight: randn([8], { generator }),
      bias: randn([8], { generator }),
      running_mean: randn([8], { generator }),
      running_var: randn([8], { generator }).abs().add(0.5),
      num_batches_tracked: layer.numBatchesTracked.clone(),
    });
    const before = Object.values(layer.stateDict()).map((tensor) => tensor.toArray());
    const input = leaf(randn([3, 8, 5, 4], { generator }), "float32"); // [B, C, H, W]
    const output = layer.freeze().train().forwardRelu(input);
    output.sum().backward();
    const perChannel = (values: Tensor | null) => values?.detach().reshape([1, 8, 1, 1]) ?? zeros([1]);
    // Closed form: torchvision's FrozenBatchNorm2d.
    const scale = perChannel(layer.weight).div(perChannel(layer.runningVar).add(1e-5).sqrt());
    const expected = input.detach().sub(perChannel(layer.runningMean)).mul(scale).add(perChannel(layer.bias));
    expect(output.sub(expected.relu()).abs().amax().item()).toBeLessThan(1e-5);
    const slope = expected.gt(0).to({ dtype: "float32" }).mul(scale);
    expect(input.grad?.sub(slope).abs().amax().item()).toBeLessThan(1e-5);
    expect(layer.weight?.grad).toBeNull();
    expect(layer.parameters().map(({ requiresGrad }) => requiresGrad)).toEqual([false, false]);
    expect(Object.values(layer.stateDict()).map((tensor) => tensor.toArray())).toEqual(before);
  });
});
