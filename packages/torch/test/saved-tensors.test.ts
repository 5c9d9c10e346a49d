/** What our operators' backward passes find: other code may have changed what was saved, and gradients may be lazy. */
import { describe, expect, it } from "vitest";
import { callTensor } from "../src/dispatch.js";
import { scalarType } from "../src/dtype.js";
import {
  autocast,
  Generator,
  nn,
  noGrad,
  ones,
  ops,
  optim,
  randn,
  scope,
  type Tensor,
  tensor,
  zeros,
} from "../src/index.js";
import { Operator } from "../src/operator.js";

const recordedBackward = new Operator("aten::_backward", "");
const negView = new Operator("aten::_neg_view", "");
const zeroTensor = new Operator("aten::_efficientzerotensor", "");

const channelsLast = { memoryFormat: "channelsLast" } as const;

function drawn(shape: number[], seed = 1): Tensor {
  const tensor = randn(shape, { generator: new Generator(seed) });
  return shape.length === 4 ? tensor.contiguous(channelsLast) : tensor;
}

/** Makes an input, an output of one of our operators, and what the operator saves. */
const operators: Record<string, () => { input: Tensor; output: Tensor; saved: Tensor }> = {
  convolution() {
    const input = leaf(drawn([2, 8, 6, 6]));
    const weight = leaf(randn([16, 8, 3, 3], { generator: new Generator(2) }));
    return { input, saved: weight, output: ops.fastConv2d(input, weight, { padding: 1 }) };
  },
  "convolution of single channels"() {
    const input = leaf(drawn([2, 8, 6, 6]));
    const weight = leaf(randn([8, 1, 3, 3], { generator: new Generator(2) }));
    return { input, saved: weight, output: ops.fastConv2d(input, weight, { padding: 1, groups: 8 }) };
  },
  "batch norm"() {
    const input = leaf(drawn([2, 8, 6, 6]));
    const [weight, bias, mean, variance] = [ones([8]), zeros([8]), zeros([8]), ones([8])];
    const output = ops.fastBatchNorm(input, weight, bias, mean, variance, true, 0.1, 1e-5, { relu: true });
    return { input, saved: input, output };
  },
};

function leaf(tensor: Tensor): Tensor {
  tensor.requiresGrad = true;
  return tensor;
}

const gradientOf = (
  make: () => { input: Tensor; output: Tensor; saved: Tensor },
  change: (saved: Tensor) => void,
) =>
  scope(() => {
    const { input, output, saved } = make();
    change(saved);
    output.mul(output).sum().backward();
    return input.grad?.toArray();
  });

describe.each(Object.entries(operators))("the backward pass of %s", (_, make) => {
  it("reads a tensor whose layout was changed after the forward pass", () => {
    const expected = gradientOf(make, () => {});
    const moved = (format: "channelsLast" | "contiguous") => (saved: Tensor) =>
      saved.setData(saved.detach().clone({ memoryFormat: format }));
    for (const format of ["channelsLast", "contiguous"] as const)
      expect(gradientOf(make, moved(format))).toEqual(expected);
  });

  it("refuses a tensor whose shape was changed after the forward pass", () => {
    const larger = (saved: Tensor) => saved.setData(zeros(saved.shape.map((side) => 8 * side)));
    expect(() => gradientOf(make, larger)).toThrow("Expected tensors of the shapes of the forward pass");
  });

  it("refuses to be recorded, because it has no second derivative", () => {
    scope(() => {
      const { input, output } = make();
      const loss = output.mul(output).sum();
      expect(() => recordedBackward.call(loss.handle, [input.handle], undefined, true, true)).toThrow(
        "has no second derivative",
      );
    });
  });

  it("takes a gradient that is a negated view", () => {
    scope(() => {
      const [one, other] = [make(), make()];
      const gradient = ones(one.output.shape);
      one.output.backward({ gradient: callTensor(negView, gradient.handle) });
      other.output.backward({ gradient: gradient.neg() });
      expect(one.input.grad?.toArray()).toEqual(other.input.grad?.toArray());
    });
  });
});

it("jittered images are other images for a backward pass that needs them as they were", () => {
  scope(() => {
    const images = ones([1, 3, 2, 2]).mul(0.5);
    const weight = leaf(ones([1]));
    const output = images.mul(weight);
    const one = (values: number[], dtype: "int64" | "uint8" | "float32") => tensor(values, { dtype });
    const factors = one([0.5, 1, 1, 0], "float32").reshape([1, 4]);
    ops.fastColorJitter_(images, one([0], "int64"), one([0, 1, 2, 3], "uint8").reshape([1, 4]), factors);
    expect(() => output.sum().backward()).toThrow("modified by an inplace operation");
  });
});

it("values that are lazy are read as they are", () => {
  scope(() => {
    const numbers = tensor([1, -2, 3]);
    expect(Array.from(callTensor(negView, numbers.handle).toFloat32Array())).toEqual([-1, 2, -3]);
    const zero = callTensor(zeroTensor, [3], scalarType("float32"), undefined, "cpu");
    expect(Array.from(zero.toFloat32Array())).toEqual([0, 0, 0]);
  });
});

it("a weight that autocast converted without recording gets its gradient where it is used again", () => {
  const layer = new nn.Linear(4, 4, { generator: new Generator(1) });
  scope(() => {
    const input = drawn([2, 4]);
    autocast({ device: "cpu", dtype: "bfloat16" }, () => {
      noGrad(() => layer.forward(input));
      layer.forward(input).sum().backward();
    });
    expect(layer.weight.grad?.shape).toEqual([4, 4]);
  });
  layer.zeroGrad();
  layer.dispose();
});

it("a gradient that is set fits its tensor", () => {
  scope(() => {
    const weight = leaf(ones([3, 4]));
    for (const wrong of [ones([4]), ones([3, 4], { dtype: "int64" })])
      expect(() => {
        weight.grad = wrong;
      }).toThrow("Expected a gradient [3, 4] of type Float, as the tensor, got ");
  });
});

describe("a state of an optimiser", () => {
  it.each([
    ["of another shape", { "weight.momentum_buffer": [4] }, "of shape [3,4], got [4]"],
    [
      "of another kind",
      { "weight.exp_avg": [3, 4] },
      "Expected momentum_buffer in a state of this optimiser",
    ],
  ])("is refused where it is %s", (_, shapes, message) => {
    scope(() => {
      const sgd = new optim.SGD([["weight", leaf(ones([3, 4]))]], { lr: 1, momentum: 0.9 });
      const tensors = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, ones(shape)]));
      expect(() => sgd.loadStateDict({ steps: 7, tensors })).toThrow(message);
      expect(sgd.steps).toBe(0);
      sgd.dispose();
    });
  });
});
