import { Generator, noGrad, scope } from "@salmask/torch";
import { expect, test } from "vitest";
import { FeaturePyramid } from "../../src/detection/fpn.js";
import { goldensOf } from "./parts.js";

const goldens = goldensOf("pyramid");

test.each([
  ["plain", false],
  ["norm", true],
])("a pyramid is torchvision's, with a level for large anchors: %s", (name, norm) => {
  const options = { inChannels: [6, 10, 12], outChannels: 8, norm, generator: new Generator(1) };
  using pyramid = noGrad(() => new FeaturePyramid(options));
  scope(() => {
    expect(Object.keys(pyramid.stateDict()).sort()).toEqual(goldens.names(`${name}/state/`).sort());
    pyramid.loadStateDict(goldens.tensors(`${name}/state/`));
    const levels = noGrad(() => pyramid.forward([0, 1, 2].map((i) => goldens.tensor(`${name}/in/${i}`))));
    const names = goldens.names(`${name}/out/`);
    expect(names).toEqual(["0", "1", "2", "pool"]);
    for (const [i, level] of levels.entries()) goldens.expectClose(level, `${name}/out/${names[i]}`, 1e-5);
  });
});

test("its weights start uniform in +-sqrt(3 / fan-in), its biases at 0", () => {
  const options = { inChannels: [48], outChannels: 64, norm: false, generator: new Generator(1) };
  using pyramid = noGrad(() => new FeaturePyramid(options));
  scope(() => {
    const { "inner_blocks.0.0.weight": weight, "inner_blocks.0.0.bias": bias } = pyramid.stateDict();
    expect(weight.abs().amax().item()).toBeLessThanOrEqual(Math.sqrt(3 / 48));
    expect(weight.std().item()).toBeCloseTo(Math.sqrt(1 / 48), 2);
    expect(bias.abs().amax().item()).toBe(0);
  });
});
