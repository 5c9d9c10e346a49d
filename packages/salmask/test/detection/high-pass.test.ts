import { Generator, randn, scope } from "@salmask/torch";
import { expect, test } from "vitest";
import { HighPassFilter } from "../../src/detection/high-pass.js";
import { highPassFill } from "../../src/masking/fills/high-pass.js";
import { maskSettings } from "../../src/masking/settings.js";

test("the layer shows what the fill showed in pre-training, and carries its filter in its state", () => {
  const { highPass } = maskSettings.parse({});
  using layer = new HighPassFilter(highPass);
  expect(layer.parameters()).toEqual([]);
  expect(layer.stateDict().weight.shape).toEqual([3, 1, 11, 11]);
  scope(() => {
    const pictures = randn([2, 3, 40, 56], { generator: new Generator(2) }); // [B, 3, H, W]
    const expected = highPassFill(highPass).prepare(pictures);
    const found = layer.forward(pictures);
    expect(found.shape).toEqual(expected.shape);
    expect(found.sub(expected).abs().amax().item()).toBeLessThan(1e-5);
  });
});
