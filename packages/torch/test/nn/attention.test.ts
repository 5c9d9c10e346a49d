import { Generator, nn, scope, type Tensor } from "@salmask/torch";
import { beforeAll, describe, expect, test } from "vitest";
import { Goldens } from "../support/goldens.js";

/** As in goldens/attention_golden.py. */
class Block extends nn.Module {
  readonly norm = new nn.LayerNorm(12, { eps: 1e-3 });
  readonly attention = new nn.MultiheadAttention(12, 3, { generator: new Generator(1) });
  readonly mlp = new nn.Sequential(
    new nn.Linear(12, 20, { generator: new Generator(2) }),
    new nn.GELU(),
    new nn.Linear(20, 12, { generator: new Generator(3) }),
  );

  forward(input: Tensor, mask: Tensor | null = null): Tensor {
    return this.mlp.forward(input.add(this.attention.forward(this.norm.forward(input), mask)));
  }
}

describe("layer norm, attention and GELU against PyTorch", () => {
  let goldens: Goldens;
  beforeAll(() => {
    goldens = Goldens.make(new URL("../goldens/attention_golden.py", import.meta.url));
  });

  test.each(["plain", "masked"])("%s: names, output and gradients", (name) => {
    using block = new Block();
    expect(Object.keys(block.stateDict())).toEqual(goldens.names("state/"));
    scope(() => {
      block.loadStateDict(goldens.tensors("state/"));
      const mask = name === "plain" ? null : goldens.tensor("mask").to({ dtype: "bool" }); // [5, 7]
      const output = block.forward(goldens.tensor("input"), mask); // [5, 7, 12]
      goldens.expectClose(output, `${name}/output`, 1e-5);
      output.mul(goldens.tensor("projection")).sum().backward();
      for (const [key, parameter] of block.namedParameters()) {
        expect(parameter.grad, key).not.toBeNull();
        if (parameter.grad) goldens.expectClose(parameter.grad, `${name}/gradient/${key}`, 1e-4);
      }
    });
  });

  test("the weights of attention", () => {
    using block = new Block();
    scope(() => {
      block.loadStateDict(goldens.tensors("state/"));
      const weights = block.attention.weights(block.norm.forward(goldens.tensor("input"))); // [5, 3, 7, 7]
      goldens.expectClose(weights, "plain/weights", 1e-5);
    });
  });
});

test("attention starts with Glorot's weights and no bias, as PyTorch's", () => {
  using layer = new nn.MultiheadAttention(64, 2, { generator: new Generator(2) });
  scope(() => {
    const most = Math.sqrt(6 / (64 + 3 * 64));
    expect(layer.inProjWeight.abs().amax().item()).toBeLessThanOrEqual(most);
    expect(layer.inProjWeight.std().item()).toBeCloseTo(most / Math.sqrt(3), 2);
    expect(layer.inProjBias.abs().amax().item()).toBe(0);
    expect(layer.outProj.bias?.abs().amax().item()).toBe(0);
  });
});

test("attention refuses heads that do not divide its features", () => {
  expect(() => new nn.MultiheadAttention(10, 3, { generator: new Generator(1) })).toThrow(
    "Expected heads that divide 10 features, got 3.",
  );
});
