import { Generator, noGrad, randn, scope } from "@salmask/torch";
import { expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { FeaturePyramid } from "../../src/detection/fpn.js";
import type { BackboneSpec } from "../../src/models/backbone.js";
import { createBackbone, specOf, strideOf } from "../../src/models/registry.js";
import { modelSettings } from "../../src/models/settings.js";

const script = new URL("convnext_golden.py", import.meta.url);

const nets: [BackboneSpec["stem"], number, number][] = [
  ["imagenet", 32, 64],
  ["small", 16, 32],
];

test.each(nets)(
  "with the %s stem and width %i, at %i pixels, agrees with torchvision: names, outputs, gradients",
  (stem, width, size) => {
    const goldens = Goldens.make(script, stem, String(width), String(size));
    using net = createBackbone({ arch: "convnext_tiny", stem, width }, new Generator(1));
    expect(Object.keys(net.stateDict()).sort()).toEqual([...goldens.names("state/")].sort());
    scope(() => net.loadStateDict(goldens.tensors("state/")));
    scope(() => {
      const input = goldens.tensor("input").contiguous({ memoryFormat: "channelsLast" }); // [3, 3, size, size]
      noGrad(() => {
        goldens.expectClose(net.features(input), "features", 1e-5);
        goldens.expectClose(net.eval().forward(input), "output", 1e-5);
      });
      const output = net.train().forward(input); // [3, C]
      goldens.expectClose(output, "output", 1e-5);
      output.mul(goldens.tensor("projection")).sum().backward();
    });
    scope(() => {
      expect(Array.from(net.namedParameters()).length).toBe(goldens.names("gradient/").length);
      for (const [name, parameter] of net.namedParameters()) {
        const gradient = parameter.grad;
        expect(gradient, name).not.toBeNull();
        if (gradient !== null) goldens.expectClose(gradient, `gradient/${name}`, 1e-4);
      }
    });
  },
);

const narrow = { arch: "convnext_tiny", stem: "small", width: 8 } as const;

test("its levels are what a feature pyramid takes, and each stage makes a level of the level before", () => {
  using net = createBackbone(narrow, new Generator(5));
  const inChannels = net.levels.map(({ channels }) => channels);
  using fpn = noGrad(
    () => new FeaturePyramid({ inChannels, outChannels: 12, norm: false, generator: new Generator(6) }),
  );
  scope(() => {
    const input = randn([2, 3, 32, 48], { generator: new Generator(7) }); // [B, 3, H, W]
    const maps = net.pyramid(input);
    expect(maps.map(({ shape }) => shape)).toEqual(
      net.levels.map(({ channels, stride }) => [2, channels, 32 / stride, 48 / stride]),
    );
    expect(net.pyramid(input, 2).length).toBe(2);
    for (const [i, stage] of net.stages.entries()) {
      if (i > 0) expect(stage.forward(maps[i - 1]).toFloat32Array()).toEqual(maps[i].toFloat32Array());
    }
    expect(net.features(input).toFloat32Array()).toEqual(maps[3].toFloat32Array());
    const levels = fpn.forward(maps); // of [B, 12, H / stride, W / stride]
    expect(levels.map(({ shape }) => shape[1])).toEqual([12, 12, 12, 12, 12]);
    levels.reduce((sum, level) => sum.add(level.sum()), levels[0].sum()).backward();
    for (const stage of net.stages)
      for (const parameter of stage.parameters()) expect(parameter.grad).not.toBeNull();
  });
});

test("a state dict says how wide it is and which stem it has; one seed gives one network", () => {
  scope(() => {
    for (const stem of ["imagenet", "small"] as const) {
      using net = createBackbone({ ...narrow, stem }, new Generator(5));
      expect(specOf(net.stateDict())).toEqual({ ...narrow, stem });
      expect(net.stride).toBe(strideOf(net.spec));
    }
    using a = createBackbone(narrow, new Generator(5));
    using b = createBackbone(narrow, new Generator(5));
    const name = "features.5.8.block.3.weight";
    expect(a.stateDict()[name].toFloat32Array()).toEqual(b.stateDict()[name].toFloat32Array());
  });
});

test("the width that is left out is the paper's", () => {
  expect(modelSettings.parse({ arch: "convnext_tiny" }).width).toBe(96);
  expect(modelSettings.parse({ arch: "convnext_tiny", width: 24 }).width).toBe(24);
  expect(modelSettings.parse({}).width).toBe(64);
});
