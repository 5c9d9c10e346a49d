import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  loadSafetensors,
  type nn,
  noGrad,
  ops,
  optim,
  saveSafetensors,
  scope,
  type Tensor,
} from "@salmask/torch";
import { beforeAll, describe, expect, test } from "vitest";
import { Goldens } from "../support/goldens.js";
import { smallNet } from "../support/small-net.js";

type Parameters = Iterable<[string, Tensor]>;
const optimizers: Record<string, (parameters: Parameters) => optim.Optimizer> = {
  sgd: (p) => new optim.SGD(p, { lr: 0.1 }),
  "sgd-momentum": (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 1e-2 }),
  "sgd-nesterov": (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 1e-2, nesterov: true }),
  adamw: (p) => new optim.AdamW(p, { lr: 3e-3, betas: [0.8, 0.99], eps: 1e-6, weightDecay: 0.1 }),
  lars: (p) => new optim.LARS(p, { lr: 0.5, momentum: 0.9, weightDecay: 1e-2, trustCoefficient: 0.02 }),
};

let goldens: Goldens;
beforeAll(() => {
  goldens = Goldens.make(new URL("../goldens/optim_golden.py", import.meta.url));
});

function train(net: nn.Module, optimizer: optim.Optimizer, step: number): number {
  return scope(() => {
    const input = goldens.tensor("inputs").select(0, step); // [6, 3, 12, 12]
    const target = goldens.tensor("targets").to({ dtype: "int64" }).select(0, step); // [6]
    optimizer.zeroGrad();
    const loss = ops.crossEntropyLoss(net.forward(input), target); // []
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

describe.each(Object.entries(optimizers))("%s", (name, make) => {
  test("three steps give PyTorch's weights", () => {
    using net = smallNet();
    scope(() => net.loadStateDict(goldens.tensors("initial/")));
    const optimizer = make(net.namedParameters());
    for (let step = 0; step < 3; step++) {
      expect(train(net, optimizer, step)).toBeCloseTo(goldens.array(`${name}/loss/${step}`)[0], 5);
      for (const [path, parameter] of net.namedParameters()) {
        goldens.expectClose(parameter, `${name}/step${step}/${path}`, 1e-5);
      }
    }
    optimizer.dispose();
    net.zeroGrad();
  });

  test("training continues exactly from a saved state", () => {
    const folder = mkdtempSync(join(tmpdir(), "salmask-optim-"));
    const path = join(folder, "state.safetensors");
    using alone = smallNet();
    using resumed = smallNet();
    scope(() => alone.loadStateDict(goldens.tensors("initial/")));
    const first = make(alone.namedParameters());
    train(alone, first, 0);
    resumed.loadStateDict(alone.stateDict());
    saveSafetensors(path, first.stateDict().tensors);
    const second = make(resumed.namedParameters());
    scope(() => second.loadStateDict({ steps: first.stateDict().steps, tensors: loadSafetensors(path) }));
    for (let step = 1; step < 3; step++) expect(train(resumed, second, step)).toBe(train(alone, first, step));
    const expected = alone.stateDict();
    for (const [key, tensor] of Object.entries(resumed.stateDict())) {
      expect(tensor.toFloat32Array(), key).toEqual(expected[key].toFloat32Array());
    }
    first.dispose();
    second.dispose();
    rmSync(folder, { recursive: true });
  });
});

/** Groups: matrices with the optimiser's settings, vectors (biases, norms) with their own. */
function inGroups(net: nn.Module, ofVectors: Partial<optim.GroupSettings>): optim.GroupOptions[] {
  const all = [...net.namedParameters()];
  return [
    { params: all.filter(([, { ndim }]) => ndim > 1) },
    { params: all.filter(([, { ndim }]) => ndim <= 1), ...ofVectors },
  ];
}

const grouped: Record<string, (net: nn.Module) => optim.Optimizer> = {
  sgd: (net) =>
    new optim.SGD(inGroups(net, { lr: 0.02, momentum: 0.5, weightDecay: 0 }), {
      lr: 0.05,
      momentum: 0.9,
      weightDecay: 1e-2,
    }),
  adamw: (net) =>
    new optim.AdamW(inGroups(net, { lr: 1e-3, momentum: 0.5, weightDecay: 0 }), {
      lr: 3e-3,
      betas: [0.8, 0.99],
      eps: 1e-6,
      weightDecay: 0.1,
    }),
  lars: (net) =>
    new optim.LARS(inGroups(net, { lr: 0.1, momentum: 0.5, weightDecay: 0 }), {
      lr: 0.5,
      momentum: 0.9,
      weightDecay: 1e-2,
      trustCoefficient: 0.02,
    }),
};

describe("groups of parameters", () => {
  test.each(Object.entries(grouped))(
    "of %s, with settings that change, give PyTorch's weights",
    (name, make) => {
      using net = smallNet();
      scope(() => net.loadStateDict(goldens.tensors("initial/")));
      const optimizer = make(net);
      const [matrices, vectors] = optimizer.paramGroups;
      for (let step = 0; step < 3; step++) {
        matrices.lr *= 1 - 0.2 * step;
        matrices.weightDecay *= 1 + step;
        vectors.momentum = 0.5 + 0.1 * step;
        train(net, optimizer, step);
        for (const [path, parameter] of net.namedParameters()) {
          goldens.expectClose(parameter, `grouped-${name}/step${step}/${path}`, 1e-5);
        }
      }
      optimizer.dispose();
      net.zeroGrad();
    },
  );

  test("with equal settings give the same bits as one list", () => {
    for (const make of [
      (p: Parameters | optim.GroupOptions[]) =>
        new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 1e-2 }),
      (p: Parameters | optim.GroupOptions[]) => new optim.AdamW(p, { lr: 3e-3 }),
      (p: Parameters | optim.GroupOptions[]) => new optim.LARS(p, { lr: 0.5, trustCoefficient: 0.02 }),
    ]) {
      using listed = smallNet();
      using split = smallNet();
      const [one, two] = [make(listed.namedParameters()), make(inGroups(split, {}))];
      for (let step = 0; step < 3; step++) expect(train(split, two, step)).toBe(train(listed, one, step));
      const expected = listed.stateDict();
      for (const [name, tensor] of Object.entries(split.stateDict()))
        expect(tensor.toFloat32Array(), name).toEqual(expected[name].toFloat32Array());
      expect(Object.keys(two.stateDict().tensors)).toEqual(
        expect.arrayContaining(Object.keys(one.stateDict().tensors)),
      );
      for (const optimizer of [one, two]) optimizer.dispose();
      for (const net of [listed, split]) net.zeroGrad();
    }
  });

  test("optimizer.lr reads the first group's and sets all groups'", () => {
    using net = smallNet();
    const optimizer = grouped.sgd(net);
    expect(optimizer.lr).toBe(0.05);
    optimizer.lr = 0.3;
    expect(optimizer.paramGroups.map(({ lr }) => lr)).toEqual([0.3, 0.3]);
  });

  test("a parameter in two groups, and settings that are not numbers of at least 0, are rejected by name", () => {
    using net = smallNet();
    const params = [...net.namedParameters()];
    expect(() => new optim.SGD([{ params }, { params: params.slice(0, 1) }], { lr: 1 })).toThrow(
      "Expected each parameter once, got 0.weight twice.",
    );
    const refused = (options: { lr: number; momentum?: number; weightDecay?: number }) =>
      expect(() => new optim.SGD(params, options));
    refused({ lr: Number.NaN }).toThrow(
      "Expected lr of a group of parameters to be a number from 0, got NaN.",
    );
    refused({ lr: 1, momentum: -0.5 }).toThrow(/momentum .* got -0\.5\./);
    refused({ lr: 1, weightDecay: Number.POSITIVE_INFINITY }).toThrow(/weightDecay .* got Infinity\./);
  });
});

test("a parameter without a gradient does not change", () => {
  using net = smallNet();
  scope(() => {
    const before = net.parameters().map((p) => p.toFloat32Array());
    const optimizer = new optim.SGD(net.namedParameters(), { lr: 1, weightDecay: 1 });
    optimizer.step();
    expect(net.parameters().map((p) => p.toFloat32Array())).toEqual(before);
  });
});

test("a state of another network is rejected with the parameter's name", () => {
  using net = smallNet();
  scope(() => {
    const optimizer = new optim.SGD(net.namedParameters(), { lr: 1, momentum: 0.9 });
    const tensors = { "9.weight.momentum_buffer": noGrad(() => net.parameters()[0].clone()) };
    expect(() => optimizer.loadStateDict({ steps: 1, tensors })).toThrow(/9\.weight\.momentum_buffer/);
  });
});

describe("schedules", () => {
  test("cosine is PyTorch's CosineAnnealingLR", () => {
    const lr = optim.cosine(0.3, 20);
    for (const [epoch, expected] of goldens.array("cosine").entries())
      expect(lr(epoch), `epoch ${epoch}`).toBeCloseTo(expected, 7);
  });

  test("cosine starts at lr, is half of it midway, ends at 0 and stays there", () => {
    const lr = optim.cosine(0.3, 20);
    expect([lr(0), lr(10), lr(20), lr(25)].map((v) => Math.round(v * 1e12) / 1e12)).toEqual([
      0.3, 0.15, 0, 0,
    ]);
  });

  test("multiStep is PyTorch's MultiStepLR", () => {
    const lr = optim.multiStep(0.3, [6, 15], 0.2);
    for (const [epoch, expected] of goldens.array("multi-step").entries())
      expect(lr(epoch), `epoch ${epoch}`).toBeCloseTo(expected, 7);
  });

  test("warmUp rises linearly, then the next schedule follows", () => {
    const lr = optim.warmUp(4, optim.cosine(0.8, 16));
    expect([0, 1, 2, 3, 4].map(lr)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8]);
    expect(lr(12)).toBeCloseTo(0.4, 12);
    expect(lr(20)).toBeCloseTo(0, 12);
  });
});
