import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { loadConfig } from "../../src/config/load.js";
import { expectResumed, learnsOneBatch } from "./host.js";
import { caseOf, expectStepsAsInPytorch } from "./host-step.js";

const method = { name: "vicreg", dim: 8, hidden: 16 };

describe("VICReg", () => {
  it("has PyTorch's loss and gradients, the paper's own where nothing is masked", () => {
    expectStepsAsInPytorch(new URL("vicreg_golden.py", import.meta.url), {
      "nothing masked": caseOf({ method, mask: { fill: "none" } }),
      "both masked": caseOf({ method, mask: { fill: "mean", branch: "both" } }),
      masked: caseOf({ method: { ...method, invariance: 10, variance: 15, covariance: 4 } }),
      "masked targets": caseOf({ method, mask: { fill: "mean", branch: "key" } }),
    });
  });

  it("brings the views of a photo together and keeps photos apart", () => {
    learnsOneBatch(caseOf({ method }), { lr: 0.003 });
  });

  it("goes on from its state as if it had never stopped", () => {
    expectResumed(caseOf({ method }));
  });

  it("has no place for hard negatives", () => {
    expect(loadConfig({ "method.name": "vicreg" }).mask.negative.count).toBe(0);
    const asked = () => loadConfig({ "method.name": "vicreg", "mask.negative.count": 1 });
    expect(asked).toThrow(UsageError);
    expect(asked).toThrow(/method\.name vicreg.*no place for hard negatives/);
  });
});
