import { describe, it } from "vitest";
import { expectResumed, learnsOneBatch } from "./host.js";
import { caseOf, expectStepsAsInPytorch } from "./host-step.js";

const method = { name: "simsiam", dim: 8, hidden: 16, predictorHidden: 12 };

describe("SimSiam", () => {
  it("has PyTorch's loss and gradients, with and without masks and hard negatives", () => {
    expectStepsAsInPytorch(new URL("simsiam_golden.py", import.meta.url), {
      "two hard negatives, a margin": caseOf({
        method: { ...method, repulsion: 0.7, repulsionMargin: 0.1 },
        mask: { fill: "mean", negative: { count: 2, weight: 1.5 } },
      }),
      "masked targets": caseOf({ method, mask: { fill: "mean", branch: "key" } }),
      "both masked": caseOf({ method, mask: { fill: "mean", branch: "both", negative: { count: 0 } } }),
      "nothing masked": caseOf({ method, mask: { fill: "none" } }),
    });
  });

  it("brings the views of a photo together and keeps photos apart", () => {
    learnsOneBatch(caseOf({ method }));
  });

  it("goes on from its state as if it had never stopped", () => {
    expectResumed(caseOf({ method }));
  });
});
