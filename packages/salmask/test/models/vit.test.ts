import { full, Generator, noGrad, ops, randn, scope, type Tensor, zeros } from "@salmask/torch";
import { beforeAll, describe, expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { type Backbone, type BackboneSpec, hasClassToken } from "../../src/models/backbone.js";
import { createBackbone, specOf, strideOf } from "../../src/models/registry.js";
import { modelSettings } from "../../src/models/settings.js";
import { headsOf } from "../../src/models/vit-encoder.js";

const script = new URL("vit_golden.py", import.meta.url);

/** Heads, pixels of a patch, and of photos: those whose patches' positions are learned, and others. */
const nets: [BackboneSpec, number, number, number, number][] = [
  [{ arch: "vit_tiny", stem: "small", width: 192 }, 3, 4, 32, 48],
  [{ arch: "vit_small", stem: "imagenet", width: 384, positions: 5 }, 6, 16, 80, 48],
];

describe.each(nets)("%o", (spec, heads, patch, size, other) => {
  let goldens: Goldens;
  beforeAll(() => {
    goldens = Goldens.make(script, ...[spec.width, heads, patch, size, other].map(String));
  });

  function expectGradients(net: Backbone, prefix: string): void {
    expect(Array.from(net.namedParameters()).length).toBe(goldens.names(prefix).length);
    for (const [name, parameter] of net.namedParameters()) {
      const gradient = parameter.grad;
      expect(gradient, name).not.toBeNull();
      if (gradient !== null) goldens.expectClose(gradient, `${prefix}${name}`, 1e-4);
    }
  }

  test("agrees with torchvision: names, outputs, attention, gradients, other sizes", () => {
    using net = createBackbone(spec, new Generator(1));
    expect(Object.keys(net.stateDict()).sort()).toEqual([...goldens.names("state/")].sort());
    expect(specOf(net.stateDict())).toEqual(spec);
    scope(() => net.loadStateDict(goldens.tensors("state/")));
    scope(() => {
      const input = goldens.tensor("input").contiguous({ memoryFormat: "channelsLast" }); // [2, 3, size, size]
      noGrad(() => {
        net.eval();
        if (!hasClassToken(net)) throw new Error("Expected a class token.");
        goldens.expectClose(net.classAttention(input), "attention", 1e-5);
        goldens.expectClose(net.forward(input), "output", 1e-5);
        goldens.expectClose(net.forward(goldens.tensor("other input")), "other output", 1e-5);
      });
      const output = net.train().forward(input); // [2, width]
      const features = net.features(input); // [2, width, size / patch, size / patch]
      goldens.expectClose(output, "output", 1e-5);
      goldens.expectClose(features, "features", 1e-5);
      const vectors = output.mul(goldens.tensor("vectors")).sum();
      features.mul(goldens.tensor("places")).sum().add(vectors).backward();
    });
    scope(() => expectGradients(net, "gradient/"));
  });

  test.each(["drop", "mask-token"] as const)(
    "hides patches by %s as torchvision's blocks do with each picture alone",
    (name) => {
      using net = createBackbone({ ...spec, hiddenPatches: name }, new Generator(1));
      const isDropped = name === "drop";
      expect(specOf(net.stateDict())).toEqual(isDropped ? spec : { ...spec, hiddenPatches: name });
      scope(() => {
        const state = goldens.tensors("state/");
        if (!isDropped) state.mask_token = goldens.tensor("token");
        net.loadStateDict(state);
        const plane = ops.upsampleNearest2d(goldens.tensor("hidden"), [size, size]); // [2, 1, size, size]
        // What is under the plane must not matter.
        const noise = randn([2, 3, size, size], { generator: new Generator(8) });
        const colours = ops.where(plane.gt(0), noise, goldens.tensor("input")); // [2, 3, size, size]
        const input = ops.cat([colours, plane], { dim: 1 }); // [2, 4, size, size]
        const output = net.forward(input); // [2, width]
        goldens.expectClose(output, name, 1e-5);
        if (isDropped) goldens.expectClose(net.features(input), "drop/features", 1e-5);
        output.mul(goldens.tensor("vectors")).sum().backward();
      });
      scope(() => expectGradients(net, `${name}/gradient/`));
    },
  );

  test("pictures with a plane that hides nothing are pictures without it", () => {
    using net = createBackbone(spec, new Generator(1));
    noGrad(() =>
      scope(() => {
        const input = goldens.tensor("input"); // [2, 3, size, size]
        const plane = zeros([2, 1, size, size]);
        const shown = net.features(ops.cat([input, plane], { dim: 1 }));
        expect(shown.toFloat32Array()).toEqual(net.features(input).toFloat32Array());
      }),
    );
  });
});

test("a picture of which everything is hidden is its class token, and no other is changed by it", () => {
  using net = createBackbone({ arch: "vit_tiny", stem: "small", width: 16 }, new Generator(5));
  noGrad(() =>
    scope(() => {
      const draw = (seed: number) => randn([1, 3, 8, 8], { generator: new Generator(seed) });
      const hide = (pixels: Tensor, value: number) =>
        ops.cat([pixels, full([1, 1, 8, 8], value)], { dim: 1 });
      const [all, none] = [hide(draw(1), 1), hide(draw(2), 0)]; // [1, 4, 8, 8] each
      const both = net.forward(ops.cat([all, none])); // [2, 16]
      const alone = [net.forward(all), net.forward(none)]; // [1, 16] each
      const apart = both.sub(ops.cat(alone)).abs().amax().item();
      expect(apart).toBeLessThan(1e-5);
      expect(net.forward(hide(draw(3), 1)).toFloat32Array()).toEqual(alone[0].toFloat32Array());
    }),
  );
});

const narrow = { arch: "vit_tiny", stem: "small", width: 16 } as const;

test("has one level, which is also its pyramid, for pictures of any multiples of a patch", () => {
  using net = createBackbone(narrow, new Generator(5));
  scope(() => {
    expect(net.levels).toEqual([{ name: "encoder.ln", stride: 4, channels: 16 }]);
    const input = randn([2, 3, 24, 40], { generator: new Generator(7) }); // [B, 3, H, W]
    const [maps] = net.pyramid(input);
    expect(maps.shape).toEqual([2, 16, 6, 10]);
    maps.sum().backward();
    for (const stage of net.stages)
      for (const parameter of stage.parameters()) expect(parameter.grad).not.toBeNull();
    expect(() => net.forward(input.narrow(3, 0, 39))).toThrow(
      "Expected pictures whose sides are multiples of a patch, 4 pixels, got 24 x 39.",
    );
  });
});

test.each<BackboneSpec>([
  { ...narrow, patch: 8 },
  { ...narrow, positions: 5 },
  { ...narrow, patch: 2, positions: 3 },
  { ...narrow, stem: "imagenet" },
  { ...narrow, hiddenPatches: "mask-token" },
  { ...narrow, arch: "vit_small", width: 256 },
])("a state dict says what its settings were: %o", (spec) => {
  using net = createBackbone(spec, new Generator(5));
  expect(specOf(net.stateDict())).toEqual(spec);
  expect(net.stride).toBe(strideOf(spec));
});

test("heads have 64 features as in the paper, or the next more that divide the width", () => {
  expect([8, 64, 96, 192, 200, 384].map(headsOf)).toEqual([1, 1, 1, 3, 2, 6]);
});

test("patches are for transformers alone, whose width is the paper's if it is left out", () => {
  expect(modelSettings.parse({ arch: "vit_tiny", patch: 8 })).toEqual({
    arch: "vit_tiny",
    width: 192,
    stem: "imagenet",
    patch: 8,
  });
  expect(modelSettings.parse({ arch: "vit_small" }).width).toBe(384);
  expect(() => modelSettings.parse({ arch: "resnet18", patch: 8 })).toThrow("which has no patches");
});
