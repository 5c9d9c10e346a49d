import { Generator, nn, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { follow, risingMomentum } from "../../src/ssl/momentum.js";

describe("risingMomentum", () => {
  it.each([
    // BYOL, section 3.3: 1 - (1 - 0.996) (cos(pi k / K) + 1) / 2.
    { start: 0.996, values: [0.996, 0.9965857864, 0.998, 0.9994142136, 1] },
    // MoCo v3, section 4.1: from 0.99 to 1.
    { start: 0.99, values: [0.99, 0.9914644661, 0.995, 0.9985355339, 1] },
  ])("rises from $start to 1 along half a cosine", ({ start, values }) => {
    const at = [0, 1 / 4, 1 / 2, 3 / 4, 1].map((progress) => risingMomentum(start, progress));
    for (const [i, value] of at.entries()) expect(value).toBeCloseTo(values[i], 9);
  });
});

describe("follow", () => {
  it("moves each parameter by its share of the distance", () => {
    scope(() => {
      const [follower, leader] = [1, 2].map(
        (seed) => new nn.Linear(3, 2, { generator: new Generator(seed) }),
      );
      const before = follower.weight.toFloat32Array();
      const goal = leader.weight.toFloat32Array();
      follow(follower, leader, 0.75);
      const now = follower.weight.toFloat32Array();
      for (const [i, value] of now.entries()) expect(value).toBeCloseTo(0.75 * before[i] + 0.25 * goal[i], 6);
      expect(leader.weight.toFloat32Array()).toEqual(goal);
      follower.dispose();
      leader.dispose();
    });
  });
});
