import { Generator, getNumThreads, noGrad, scope, setNumThreads } from "@salmask/torch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import type { BackboneSpec } from "../../src/models/backbone.js";
import { createBackbone, specOf, strideOf } from "../../src/models/registry.js";

const script = new URL("resnet_golden.py", import.meta.url);

/** One has torchvision's own width. */
const nets: [BackboneSpec["arch"], number, BackboneSpec["stem"], number][] = [
  ["resnet18", 64, "imagenet", 64],
  ["resnet18", 16, "small", 32],
  ["resnet34", 16, "small", 32],
  ["resnet50", 16, "imagenet", 64],
  ["resnet50", 16, "small", 32],
  ["resnet101", 16, "imagenet", 64],
];

// A different order of summation sometimes moves a value across zero at a ReLU, and then a gradient changes by more
// than rounding. PyTorch with one thread and with two differ by up to 3e-2 here. So both use one thread.
const threads = getNumThreads();
let goldens: Goldens;
beforeAll(() => {
  setNumThreads(1);
  goldens = Goldens.make(
    script,
    ...nets.map(([arch, ...rest]) => [arch.slice("resnet".length), ...rest].join()),
  );
});
afterAll(() => setNumThreads(threads));

describe.each(nets)("%s of width %i with the %s stem, at %i pixels", (arch, width, stem, size) => {
  test("agrees with torchvision: names, outputs, gradients, running statistics", () => {
    const golden = (name: string) => `${arch.slice("resnet".length)}-${stem}/${name}`;
    using net = createBackbone({ arch, stem, width }, new Generator(1));
    const names = goldens.names(golden("state/"));
    expect(Object.keys(net.stateDict()).sort()).toEqual([...names].sort());
    scope(() => net.loadStateDict(goldens.tensors(golden("state/"))));
    scope(() => {
      const input = goldens.tensor(golden("input")); // [4, 3, size, size]
      noGrad(() => {
        net.eval();
        const features = net.features(input); // [4, C, size / stride, size / stride]
        expect(features.shape).toEqual([4, net.outChannels, size / net.stride, size / net.stride]);
        const pyramid = net.pyramid(input); // of [4, channels, size / stride, size / stride]
        expect(pyramid.map(({ shape }) => shape)).toEqual(
          net.levels.map(({ channels, stride }) => [4, channels, size / stride, size / stride]),
        );
        expect(pyramid.at(-1)?.toFloat32Array()).toEqual(features.toFloat32Array());
        goldens.expectClose(features, golden("features"), 1e-5);
        goldens.expectClose(net.forward(input), golden("eval"), 1e-5);
      });
      const output = net.train().forward(input); // [4, C]
      goldens.expectClose(output, golden("train"), 1e-5);
      output
        .mul(goldens.tensor(golden("projection")))
        .sum()
        .backward();
    });
    scope(() => {
      expect(Array.from(net.namedParameters()).length).toBe(goldens.names(golden("gradient/")).length);
      for (const [name, parameter] of net.namedParameters()) {
        const gradient = parameter.grad;
        expect(gradient, name).not.toBeNull();
        if (gradient !== null) goldens.expectClose(gradient, golden(`gradient/${name}`), 1e-4);
      }
      const state = net.stateDict();
      for (const name of goldens.names(golden("after/"))) {
        goldens.expectClose(
          state[name],
          golden(`after/${name}`),
          name.endsWith("num_batches_tracked") ? 0 : 1e-5,
        );
      }
    });
  });
});

test.each(["resnet18", "resnet34", "resnet50", "resnet101"] as const)(
  "a state dict says that it is of a %s, how wide it is, and which stem it has",
  (arch) => {
    for (const stem of ["imagenet", "small"] as const) {
      const spec = { arch, stem, width: 4 };
      using net = createBackbone(spec, new Generator(5));
      expect(specOf(net.stateDict())).toEqual(spec);
    }
  },
);

test("width scales every stage, and one seed gives one network", () => {
  scope(() => {
    const spec = { arch: "resnet18", stem: "small", width: 16 } as const;
    const make = () => createBackbone(spec, new Generator(5));
    using a = make();
    using b = make();
    expect([a.outChannels, a.stride, strideOf(spec)]).toEqual([128, 8, 8]);
    expect(specOf(a.stateDict())).toEqual(spec);
    expect(a.stateDict()["layer4.1.conv2.weight"].shape).toEqual([128, 128, 3, 3]);
    for (const name of ["conv1.weight", "layer3.0.conv1.weight"])
      expect(a.stateDict()[name].toFloat32Array()).toEqual(b.stateDict()[name].toFloat32Array());
  });
});
