import { describe, expect, it } from "vitest";
import { onCpu } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import { expectResumed, learnsOneBatch } from "./host.js";
import { caseOf, expectStepsAsInPytorch } from "./host-step.js";

const method = { name: "mocov3", dim: 8, hidden: 16, predictorHidden: 12 };
const vit = { arch: "vit_tiny", width: 64, stem: "small" };

/** What a method learns: the shape of every parameter that gets gradients, and the names of those that get none. */
function parametersOf(given: object): { shapes: Record<string, readonly number[]>; frozen: string[] } {
  const made = builtInMethods.create(configSchema.parse(caseOf(given)), onCpu);
  try {
    const all = Array.from(made.learned.namedParameters());
    return {
      shapes: Object.fromEntries(all.map(([name, { shape }]) => [name, shape])),
      frozen: all.flatMap(([name, { requiresGrad }]) => (requiresGrad ? [] : [name])),
    };
  } finally {
    made.dispose();
  }
}

describe("MoCo v3", () => {
  it("has PyTorch's loss and gradients, with and without masks and hard negatives", () => {
    expectStepsAsInPytorch(new URL("mocov3_golden.py", import.meta.url), {
      masked: caseOf({ method }),
      "nothing masked": caseOf({ method: { ...method, temperature: 1 }, mask: { fill: "none" } }),
      "two hard negatives": caseOf({ method, mask: { fill: "mean", negative: { count: 2, weight: 1.5 } } }),
      "masked targets": caseOf({
        method: { ...method, temperature: 1 },
        mask: { fill: "mean", branch: "key", negative: { count: 0 } },
      }),
    });
  });

  it("brings the views of a photo together and keeps photos apart", () => {
    // After 40 steps one course in eight, of learning rates that differ by a millionth, has not come so far; after 80 none of 32.
    learnsOneBatch(caseOf({ method: { ...method, momentum: 0.5 } }), { steps: 80 });
  });

  it("goes on from its state as if it had never stopped", () => {
    expectResumed(caseOf({ method }));
  });

  it("leaves the projection of a transformer's patches as it is initialised, and trains with AdamW", () => {
    expect(parametersOf({ method }).frozen).toEqual([]);
    const projection = ["conv_proj.weight", "conv_proj.bias"].map((name) => `encoder.backbone.${name}`);
    expect(parametersOf({ method, model: vit }).frozen).toEqual(projection);
    const chosen = (model: object) => builtInMethods.optimizer(configSchema.parse({ method, model }));
    expect(chosen(vit)).toEqual({ name: "adamw", rate: 3e-4 });
    expect(chosen({ arch: "resnet50" })).toEqual({ name: "lars", rate: 0.6 });
  });

  it("has the released code's heads: a transformer's projector has one layer more", () => {
    const heads = (given: object) =>
      Object.entries(parametersOf(given).shapes).filter(([name]) => /projector|predictor/.test(name));
    expect(heads({ method })).toEqual([
      ["encoder.projector.0.weight", [16, 32]],
      ["encoder.projector.1.weight", [16]],
      ["encoder.projector.1.bias", [16]],
      ["encoder.projector.3.weight", [8, 16]],
      ["predictor.0.weight", [12, 8]],
      ["predictor.1.weight", [12]],
      ["predictor.1.bias", [12]],
      ["predictor.3.weight", [8, 12]],
    ]);
    expect(heads({ method, model: vit }).map(([, shape]) => shape)).toEqual([
      ...[[16, 64], [16], [16], [16, 16], [16], [16], [8, 16]],
      ...[[12, 8], [12], [12], [8, 12]],
    ]);
  });
});
