import { Generator, keep, liveTensors, nn, ones, ops, scope, type Tensor, zeros } from "@salmask/torch";
import { beforeAll, describe, expect, test } from "vitest";
import { Goldens } from "../support/goldens.js";

class Net extends nn.Module {
  readonly stem: nn.Module;
  readonly grouped: nn.Module;
  readonly skip = new nn.Identity();
  readonly pool = new nn.AdaptiveAvgPool2d([2, 1]);
  readonly head: nn.Module;

  constructor() {
    super();
    const generator = new Generator(0);
    this.stem = new nn.Sequential(
      new nn.Conv2d(3, 6, { kernelSize: 3, stride: 2, padding: 1, bias: false, generator }),
      new nn.BatchNorm2d(6),
      new nn.ReLU(),
      new nn.MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
    );
    this.grouped = new nn.Sequential(
      new nn.Conv2d(6, 4, { kernelSize: 3, groups: 2, generator }),
      new nn.GroupNorm(2, 4),
      new nn.ReLU(),
    );
    this.head = new nn.Sequential(
      new nn.Flatten(),
      new nn.Linear(8, 5, { bias: false, generator }),
      new nn.BatchNorm1d(5),
      new nn.Linear(5, 3, { generator }),
    );
  }

  forward(input: Tensor): Tensor {
    const maps = this.grouped.forward(this.stem.forward(input));
    return this.head.forward(this.pool.forward(this.skip.forward(maps)));
  }
}

describe("against PyTorch", () => {
  let goldens: Goldens;
  beforeAll(() => {
    goldens = Goldens.make(new URL("../goldens/nn_golden.py", import.meta.url));
  });

  test("the state-dict has PyTorch's names and shapes, in PyTorch's order", () => {
    using net = new Net();
    const state = net.stateDict();
    expect(Object.keys(state)).toEqual(goldens.names("state/"));
    for (const [name, tensor] of Object.entries(state))
      expect(tensor.shape).toEqual(goldens.shape(`state/${name}`));
    expect(Array.from(net.namedParameters(), ([name]) => name)).toEqual(goldens.names("gradient/"));
  });

  test("outputs, gradients and running statistics are PyTorch's", () => {
    using net = new Net();
    scope(() => {
      net.loadStateDict(goldens.tensors("state/"));
      const input = goldens.tensor("input"); // [7, 3, 21, 18]
      goldens.expectClose(net.eval().forward(input), "eval", 1e-5);
      const output = net.train().forward(input); // [7, 3]
      goldens.expectClose(output, "train", 1e-5);
      output.mul(goldens.tensor("projection")).sum().backward();
      for (const [name, parameter] of net.namedParameters()) {
        expect(parameter.grad, name).not.toBeNull();
        if (parameter.grad) goldens.expectClose(parameter.grad, `gradient/${name}`, 1e-4);
      }
      for (const [name, tensor] of Object.entries(net.stateDict()))
        goldens.expectClose(tensor, `after/${name}`, 1e-5);
    });
  });
});

test("train and eval reach every module below", () => {
  using net = new Net();
  net.eval();
  expect(Array.from(net.namedModules(), ([, module]) => module.training)).not.toContain(true);
  net.train();
  expect(Array.from(net.namedModules(), ([, module]) => module.training)).not.toContain(false);
});

/** Takes a list of images of any size and returns a record, like a detector. */
class Means extends nn.Module<Tensor[], { means: Tensor; count: number }> {
  readonly scale = new nn.Linear(3, 3, { generator: new Generator(0) });

  forward(images: Tensor[]): { means: Tensor; count: number } {
    const rows = images.map((image) => ops.mean(image, [1, 2])); // [3] each
    return { means: this.scale.forward(ops.stack(rows)), count: rows.length }; // [B, 3]
  }
}

class Detector extends nn.Module<Tensor[], Tensor> {
  readonly means = new Means();

  forward(images: Tensor[]): Tensor {
    return this.means.forward(images).means; // [B, 3]
  }
}

test("a module may take a list and return a record, and be part of another module", () => {
  using detector = new Detector();
  const everyModule: nn.AnyModule[] = [detector, detector.means, detector.means.scale];
  expect(Array.from(detector.namedModules(), ([, module]) => module)).toEqual(everyModule);
  expect(Object.keys(detector.stateDict())).toEqual(["means.scale.weight", "means.scale.bias"]);
  scope(() => {
    const images = [ones([3, 4, 5]), ones([3, 7, 2])];
    expect(detector.forward(images).shape).toEqual([2, 3]);
    expect(detector.means.forward(images).count).toBe(2);
  });
});

describe("loadStateDict", () => {
  const generator = new Generator(0);

  test("lists every fault and changes nothing", () => {
    using layer = new nn.Linear(3, 2, { generator });
    scope(() => {
      const before = layer.weight.toArray();
      const load = () => layer.loadStateDict({ weight: zeros([2, 3]), extra: zeros([1]) });
      expect(load).toThrow(/missing bias; unexpected extra/);
      const wrongShape = () => layer.loadStateDict({ weight: zeros([2, 4]), bias: zeros([2]) });
      expect(wrongShape).toThrow("weight: expected shape [2,3], got [2,4]");
      expect(layer.weight.toArray()).toEqual(before);
    });
  });

  test("counts the faults that it does not list", () => {
    using net = new Net();
    expect(() => net.loadStateDict({})).toThrow(/missing stem\.0\.weight.*; and 10 more/);
  });

  test("copies values: the source may be freed", () => {
    using layer = new nn.Linear(3, 2, { generator });
    scope(() => layer.loadStateDict({ weight: ones([2, 3]), bias: zeros([2]) }));
    expect(scope(() => layer.forward(ones([1, 3])).toArray())).toEqual([3, 3]);
    expect(layer.weight.requiresGrad && layer.weight.isLeaf).toBe(true);
  });
});

test("setRequiresGrad(false) freezes: no graph is recorded", () => {
  using net = new Net();
  net.setRequiresGrad(false);
  expect(scope(() => net.forward(ones([2, 3, 9, 9])).requiresGrad)).toBe(false);
});

test("the same generator seed gives the same weights; dispose frees them", () => {
  const before = liveTensors().count;
  const [a, b] = [4, 4].map((seed) => new nn.Linear(5, 4, { generator: new Generator(seed) }));
  expect(a.weight.toArray()).toEqual(b.weight.toArray());
  a.dispose();
  b.dispose();
  expect(liveTensors().count).toBe(before);
});

test("initialisations have the standard deviations from their papers", () => {
  scope(() => {
    const weight = zeros([64, 32, 3, 3]);
    const generator = new Generator(1);
    const fanOut = 64 * 9;
    const he = nn.kaimingNormal_(weight, "fanOut", generator).std(null).item();
    expect(he / Math.sqrt(2 / fanOut)).toBeCloseTo(1, 1);
    const bound = 1 / Math.sqrt(32 * 9);
    const uniform = nn.uniformFanIn_(weight, 32 * 9, generator);
    expect(uniform.amax().item()).toBeLessThanOrEqual(bound);
    expect(uniform.amin().item()).toBeGreaterThanOrEqual(-bound);
    expect(uniform.std(null).item() / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
  });
});

test("a module made in a scope outlives it", () => {
  const layer = scope(() => new nn.Linear(2, 2, { generator: new Generator(0) }));
  expect(layer.weight.disposed).toBe(false);
  expect(keep(layer.weight)).toBe(layer.weight);
  layer.dispose();
});

test("without recording, a Sequential keeps only its last output", () => {
  class Busy extends nn.Module {
    forward(input: Tensor): Tensor {
      return input.add(1).mul(2).sub(3).add(input);
    }
  }
  scope(() => {
    const input = ones([2, 3]);
    const before = liveTensors().count;
    const net = new nn.Sequential(new Busy(), new nn.Identity(), new Busy(), new Busy());
    const output = net.forward(input);
    // 1 -> 2 * 2 - 3 + 1 = 2 -> 2 * 3 - 3 + 2 = 5 -> 2 * 6 - 3 + 5 = 14
    expect(output.toArray()).toEqual(new Array(6).fill(14));
    expect(liveTensors().count - before).toBe(1);
    expect(input.disposed).toBe(false);
  });
});
