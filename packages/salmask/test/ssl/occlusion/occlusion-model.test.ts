import { Generator, randn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { OcclusionModel } from "../../../src/ssl/occlusion/occlusion-model.js";

/** The smallest range of values of any mask. `[B, N, H, W]` */
function spread(masks: Tensor): number {
  return Math.min(
    ...Array.from({ length: masks.shape[1] }, (_, n) => {
      const mask = masks.select(1, n); // [B, H, W]
      return mask.amax().sub(mask.amin()).item();
    }),
  );
}

describe("OcclusionModel", () => {
  it.each([
    { crop: 16, levels: 2 },
    { crop: 32, levels: 3 },
    { crop: 96, levels: 5 },
    { crop: 224, levels: 6 },
  ])("parts the pixels of $crop-pixel views among its masks, over $levels levels", ({ crop, levels }) => {
    scope(() => {
      const generator = new Generator(4);
      const model = new OcclusionModel({ crop, masks: 3, channels: 2, generator });
      const names = Object.keys(model.stateDict()).filter((name) => name.endsWith("down.conv.weight"));
      expect(names.length).toBe(levels);
      const masks = model.forward(randn([2, 3, crop, crop], { generator }));
      expect(masks.shape).toEqual([2, 3, crop, crop]);
      expect(masks.amin().item()).toBeGreaterThanOrEqual(0);
      expect(masks.amax().item()).toBeLessThanOrEqual(1);
      expect(masks.sum([1]).sub(1).abs().amax().item()).toBeLessThan(1e-5);
      expect(spread(masks)).toBeGreaterThan(1e-3);
      masks.select(1, 0).mean().backward();
      for (const [name, parameter] of model.namedParameters()) expect(parameter.grad, name).not.toBeNull();
      model.zeroGrad();
      model.dispose();
    });
  });

  it("computes the masks of a picture only from that picture", () => {
    scope(() => {
      const generator = new Generator(1);
      const model = new OcclusionModel({ crop: 16, masks: 2, channels: 2, generator });
      const views = randn([3, 3, 16, 16], { generator });
      const together = model.forward(views).narrow(0, 1, 1);
      const alone = model.forward(views.narrow(0, 1, 1));
      expect(together.sub(alone).abs().amax().item()).toBeLessThan(1e-5);
      model.dispose();
    });
  });
});
