import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { loadConfig } from "../../src/config/load.js";
import { expectResumed, learnsOneBatch } from "./host.js";
import { caseOf, expectStepsAsInPytorch } from "./host-step.js";

const method = { name: "barlow", dim: 8, hidden: 16 };
/** Of four photos, standardised embeddings round too much for a comparison. */
const train = { epochs: 10, batchSize: 8 };

describe("Barlow Twins", () => {
  it("has PyTorch's loss and gradients, the paper's own where nothing is masked", () => {
    expectStepsAsInPytorch(new URL("barlow_golden.py", import.meta.url), {
      "nothing masked": caseOf({ train, method, mask: { fill: "none" } }),
      "both masked": caseOf({ train, method, mask: { fill: "mean", branch: "both" } }),
      masked: caseOf({ train, method: { ...method, redundancy: 0.3 } }),
      "masked targets": caseOf({ train, method, mask: { fill: "mean", branch: "key" } }),
    });
  });

  it("brings the views of a photo together and keeps photos apart", () => {
    learnsOneBatch(caseOf({ method }), { lr: 0.01 });
  });

  it("goes on from its state as if it had never stopped", () => {
    expectResumed(caseOf({ method }));
  });

  it("has no place for hard negatives", () => {
    expect(loadConfig({ "method.name": "barlow" }).mask.negative.count).toBe(0);
    const asked = () => loadConfig({ "method.name": "barlow", "mask.negative.count": 1 });
    expect(asked).toThrow(UsageError);
    expect(asked).toThrow(/method\.name barlow.*no place for hard negatives/);
  });
});
