import { scope, zeros } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { camScores, gradCam } from "../../src/metrics/grad-cam.js";

const goldens = Goldens.make(new URL("cam_golden.py", import.meta.url));
const labels = Int32Array.of(2, 0, 3);

describe("Grad-CAM", () => {
  it("equals PyTorch's, whose gradients come from autograd", () => {
    scope(() => {
      const [weight, bias] = [goldens.tensor("weight"), goldens.tensor("bias")];
      const classifier = { weight, bias, mean: goldens.tensor("mean"), spread: goldens.tensor("spread") };
      const cams = gradCam(goldens.tensor("maps"), { ...classifier, penalty: 1 }, labels);
      goldens.expectClose(cams, "cams", 1e-5);
      expect(cams.toArray().some((value) => value === 0)).toBe(true);
    });
  });

  it("scores maps as loops over their pixels do", () => {
    scope(() => {
      const scores = camScores(goldens.tensor("large"), goldens.tensor("masks"));
      for (const [i, { energy, isHit, area }] of scores.entries()) {
        expect(energy).toBeCloseTo(goldens.array("energy")[i], 5);
        expect(isHit).toBe(goldens.array("hits")[i] === 1);
        expect(area).toBeCloseTo(goldens.array("area")[i], 5);
      }
    });
  });

  it("says nothing of a map that is 0 everywhere", () => {
    const [score] = scope(() => camScores(zeros([1, 4, 4]), zeros([1, 4, 4])));
    expect(score).toEqual({ energy: null, isHit: null, area: 0 });
  });
});
