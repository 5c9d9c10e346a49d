import {
  autocast,
  enableGrad,
  Generator,
  isGradEnabled,
  noGrad,
  ones,
  ops,
  randn,
  scope,
  type Tensor,
  tensor,
} from "@salmask/torch";
import { describe, expect, test } from "vitest";
import { relativeError } from "./support/goldens.js";

interface Case {
  shapes: number[][];
  f: (...inputs: Tensor[]) => Tensor;
}

const cases: Record<string, Case> = {
  matmul: {
    shapes: [
      [3, 4],
      [4, 2],
    ],
    f: (a, b) => a.matmul(b),
  },
  "broadcast mul and div": {
    shapes: [
      [3, 1],
      [1, 4],
    ],
    f: (a, b) => a.mul(b).div(b.mul(b).add(2)),
  },
  conv2d: {
    shapes: [[2, 2, 5, 4], [4, 1, 3, 3], [4]],
    f: (x, w, bias) => ops.conv2d(x, w, { bias, stride: 2, padding: 1, groups: 2 }),
  },
  "batch norm in train mode": {
    shapes: [[4, 2, 3, 3], [2], [2]],
    f: (x, w, b) => ops.batchNorm(x, w, b, null, null, true, 0.1, 1e-5, true),
  },
  "softmax and logsumexp": {
    shapes: [[3, 5]],
    f: (x) => x.softmax(1).mul(x.logsumexp(1, { keepdim: true })),
  },
  "max pool": { shapes: [[1, 2, 6, 6]], f: (x) => x.maxPool2d(2) },
  bilinear: { shapes: [[1, 2, 4, 5]], f: (x) => x.upsampleBilinear2d([7, 3], false) },
  "normalised rows": {
    shapes: [[3, 4]],
    f: (x) => x.div(x.linalgVectorNorm({ dim: 1, keepdim: true })),
  },
  "views and gather": {
    shapes: [[2, 6]],
    f: (x) =>
      x
        .reshape([3, 4])
        .permute([1, 0])
        .gather(1, tensor([[0], [2], [2], [1]], { dtype: "int64" })),
  },
  "stack and cat": {
    shapes: [
      [2, 3],
      [2, 3],
    ],
    f: (a, b) => ops.cat([ops.stack([a, b]), ops.stack([b, b])]),
  },
};

describe("backward agrees with central differences", () => {
  test.each(Object.entries(cases))("%s", (_, { shapes, f }) => {
    scope(() => {
      const generator = new Generator(9);
      const inputs = shapes.map((shape) => randn(shape, { generator, dtype: "float64" }));
      for (const input of inputs) input.requiresGrad = true;
      const projection = noGrad(() => randn(f(...inputs).shape, { generator, dtype: "float64" }));
      const loss = () =>
        f(...inputs)
          .mul(projection)
          .sum(); // []
      loss().backward();
      const step = 1e-6;
      for (const input of inputs) {
        const numeric = noGrad(() => {
          const flat = input.detach().view([-1]);
          return Array.from({ length: input.numel }, (_, i) =>
            scope(() => {
              const element = flat.narrow(0, i, 1);
              element.add_(step);
              const above = loss().item();
              element.sub_(2 * step);
              const below = loss().item();
              element.add_(step);
              return (above - below) / (2 * step);
            }),
          );
        });
        expect(relativeError(input.grad?.toArray() ?? [], numeric)).toBeLessThan(1e-7);
      }
    });
  });
});

describe("gradients", () => {
  test("add up over backward calls until zeroGrad", () => {
    scope(() => {
      const x = tensor([3]);
      x.requiresGrad = true;
      expect(x.grad).toBeNull();
      x.mul(x).sum().backward();
      x.mul(2).sum().backward();
      expect(x.grad?.item()).toBe(8);
      x.grad = null;
      expect(x.grad).toBeNull();
      x.grad = tensor([5]);
      x.mul(1).sum().backward();
      expect(x.grad?.item()).toBe(6);
    });
  });

  test("a result with several elements needs a gradient argument", () => {
    scope(() => {
      const x = ones([3]);
      x.requiresGrad = true;
      expect(() => x.mul(2).backward()).toThrow(/scalar outputs/);
      x.mul(2).backward({ gradient: tensor([1, 10, 100]) });
      expect(x.grad?.toArray()).toEqual([2, 20, 200]);
    });
  });

  test("a graph can be used only once unless it is retained", () => {
    scope(() => {
      const x = ones([1]);
      x.requiresGrad = true;
      const y = x.exp().sum();
      y.backward({ retainGraph: true });
      y.backward();
      expect(x.grad?.item()).toBeCloseTo(2 * Math.E, 5);
      expect(() => y.backward()).toThrow(/second time/);
    });
  });

  test("detach removes a tensor from the graph; isLeaf distinguishes leaves from results", () => {
    scope(() => {
      const x = ones([1]);
      x.requiresGrad = true;
      const y = x.mul(2);
      expect([x.isLeaf, y.isLeaf, y.requiresGrad, y.detach().requiresGrad]).toEqual([
        true,
        false,
        true,
        false,
      ]);
    });
  });
});

describe("noGrad and enableGrad", () => {
  test("nest, and are undone by an error", () => {
    scope(() => {
      const x = ones([1]);
      x.requiresGrad = true;
      expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false);
      expect(noGrad(() => enableGrad(() => x.mul(2).requiresGrad))).toBe(true);
      expect(() =>
        noGrad(() => {
          throw new Error("inside");
        }),
      ).toThrow("inside");
      expect(isGradEnabled()).toBe(true);
    });
  });
});

describe("autocast", () => {
  const types = () => scope(() => [ones([2, 2]).matmul(ones([2, 2])).dtype, ones([2]).add(1).dtype]);

  test("computes products in bfloat16 inside, and only there", () => {
    expect(autocast({ device: "cpu" }, types)).toEqual(["bfloat16", "float32"]);
    expect(types()).toEqual(["float32", "float32"]);
  });

  test("nested calls: the end of the inner one, also by an error, restores the outer one", () => {
    const seen = autocast({ device: "cpu" }, () => {
      expect(() =>
        autocast({ device: "cpu" }, () => {
          throw new Error("inside");
        }),
      ).toThrow("inside");
      return types();
    });
    expect(seen).toEqual(["bfloat16", "float32"]);
    expect(types()).toEqual(["float32", "float32"]);
  });

  test("gradients have the parameters' type and are close to those of float32", () => {
    scope(() => {
      const generator = new Generator(2);
      const x = randn([8, 16], { generator });
      const w = randn([16, 4], { generator });
      w.requiresGrad = true;
      x.matmul(w).sum().backward();
      const exact = w.grad?.toArray() ?? [];
      using same = w.detach();
      same.requiresGrad = true;
      autocast({ device: "cpu" }, () => x.matmul(same).sum()).backward();
      expect(same.grad?.dtype).toBe("float32");
      const error = relativeError(same.grad?.toArray() ?? [], exact);
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(0.02);
    });
  });
});
