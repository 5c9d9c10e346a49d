import { scope, tensor } from "@salmask/torch";
import { expect, test } from "vitest";
import { levelsOfBoxes, poolRegions, regionsOf } from "../../src/detection/roi-pool.js";
import { goldensOf } from "./parts.js";

const goldens = goldensOf("pool");
const levels = [4, 8, 16, 32].map((stride) => ({ stride, channels: 5 }));

test("regions of several photos come from torchvision's levels, and gradients go back to them", () => {
  scope(() => {
    const maps = levels.map((_, i) => goldens.tensor(`maps/${i}`)); // [2, 5, H, W] each
    for (const map of maps) map.requiresGrad = true;
    const boxes = [goldens.tensor("boxes/0"), goldens.tensor("boxes/1")];
    const strides = levels.map(({ stride }) => stride);
    const ofRegion = levelsOfBoxes(regionsOf(boxes).narrow(1, 1, 4), strides);
    goldens.expectClose(ofRegion, "levels", 0);
    expect(new Set(ofRegion.toArray())).toEqual(new Set([0, 1, 2, 3]));
    const pooled = poolRegions(maps, boxes, { levels, side: 7, samplingRatio: 2, aligned: false });
    goldens.expectClose(pooled, "pooled", 1e-6);
    pooled.mul(goldens.tensor("projection")).sum().backward();
    for (const [i, { grad }] of maps.entries()) {
      expect(grad).not.toBeNull();
      if (grad !== null) goldens.expectClose(grad, `gradient/${i}`, 1e-5);
    }
  });
});

test("photos without boxes have no regions", () => {
  scope(() => {
    const none = tensor([], { shape: [0, 4] });
    const maps = levels.map((_, i) => goldens.tensor(`maps/${i}`));
    const options = { levels, side: 7, samplingRatio: 2, aligned: false };
    expect(poolRegions(maps, [none, none], options).shape).toEqual([0, 5, 7, 7]);
    const one = tensor([[3, 4, 50, 60]]);
    expect(regionsOf([none, one]).toArray()).toEqual([1, 3, 4, 50, 60]);
    expect(poolRegions(maps, [none, one], options).shape).toEqual([1, 5, 7, 7]);
  });
});
