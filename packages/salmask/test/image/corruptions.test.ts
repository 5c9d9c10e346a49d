import { full, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { corruptions } from "../../src/image/corruptions.js";
import { highPass, lowPass } from "../../src/image/frequency.js";

const goldens = Goldens.make(new URL("corruptions_golden.py", import.meta.url));
const seeds = [5, 9];

function spoilt(name: string, pictures: Tensor, strength: number, own = seeds): Tensor {
  const corruption = corruptions.find((known) => known.name === name);
  if (corruption === undefined) throw new Error(`no corruption ${name}`);
  return corruption.apply(pictures, strength, own);
}

describe("corruptions", () => {
  it.each([
    ["contrast", 0.3],
    ["blur", 4],
    ["blur", 6],
  ])("%s of strength %f equals NumPy's", (name, strength) => {
    scope(() =>
      goldens.expectClose(spoilt(name, goldens.tensor("pictures"), strength), `${name} ${strength}`, 1e-5),
    );
  });

  it("filter frequencies as the full spectrum says", () => {
    scope(() => {
      const pictures = goldens.tensor("pictures");
      goldens.expectClose(lowPass(pictures, 0.25), "low 0.25", 1e-5);
      goldens.expectClose(lowPass(pictures, 0.5), "low 0.5", 1e-5);
      goldens.expectClose(highPass(pictures, 0.25), "high 0.25", 1e-5);
      const parts = lowPass(pictures, 0.3).add(highPass(pictures, 0.3)); // has the mean twice
      const whole = pictures.add(pictures.mean([2, 3], { keepdim: true }));
      expect(parts.sub(whole).abs().amax().item()).toBeLessThan(1e-5);
    });
  });

  it("add noise of the strength's deviation, the same for a picture in any batch and at any strength", () => {
    scope(() => {
      const grey = full([2, 3, 64, 64], 0.5);
      const mild = spoilt("noise", grey, 0.08).sub(0.5); // [2, 3, 64, 64]
      expect(mild.std([0, 1, 2, 3], 0).item()).toBeCloseTo(0.08, 2);
      expect(Math.abs(mild.mean().item())).toBeLessThan(0.002);
      const alone = spoilt("noise", grey.narrow(0, 1, 1), 0.08, [9]).sub(0.5); // [1, 3, 64, 64]
      expect(alone.toFloat32Array()).toEqual(mild.narrow(0, 1, 1).contiguous().toFloat32Array());
      const half = spoilt("noise", grey, 0.04).sub(0.5).mul(2); // [2, 3, 64, 64]
      expect(half.sub(mild).abs().amax().item()).toBeLessThan(1e-5);
    });
  });

  it("stay in [0, 1], get stronger, and leave the pictures as they were", () => {
    scope(() => {
      const pictures = goldens.tensor("pictures");
      for (const { apply, strengths, name } of corruptions) {
        const distances = strengths.map((strength) => {
          const changed = apply(pictures, strength, seeds);
          expect(changed.amin().item(), name).toBeGreaterThanOrEqual(0);
          expect(changed.amax().item(), name).toBeLessThanOrEqual(1);
          return changed.sub(pictures).pow(2).mean().item();
        });
        for (const [i, distance] of distances.entries())
          if (i > 0) expect(distance, name).toBeGreaterThanOrEqual(distances[i - 1]);
        expect(distances[distances.length - 1]).toBeGreaterThan(distances[0]);
      }
      expect(pictures.toFloat32Array()).toEqual(goldens.array("pictures"));
    });
  });
});
