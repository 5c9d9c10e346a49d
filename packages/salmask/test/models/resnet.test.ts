import { Generator, getNumThreads, noGrad, scope, setNumThreads } from "@salmask/torch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { type ResNetDepth, type ResNetStem, resnet } from "../../src/models/resnet.js";

const script = new URL("resnet_golden.py", import.meta.url);

const nets: [ResNetDepth, ResNetStem, number][] = [
  [18, "imagenet", 64],
  [18, "small", 32],
  [50, "imagenet", 64],
  [50, "small", 32],
];

// A sum in another order moves a value past a ReLU's corner now and then, and a gradient by more than rounding:
// PyTorch with one thread and PyTorch with two differ by up to 3e-2 here. So both count with one.
const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));

describe.each(nets)("ResNet-%i with the %s stem, at %i pixels", (depth, stem, size) => {
  test("is torchvision's: names, outputs, gradients, running statistics", () => {
    const goldens = Goldens.make(script, String(depth), stem, String(size));
    using net = resnet({ depth, stem, width: 64, generator: new Generator(1) });
    const names = goldens.names("state/");
    expect(Object.keys(net.stateDict()).sort()).toEqual([...names].sort());
    scope(() => net.loadStateDict(goldens.tensors("state/")));
    scope(() => {
      const input = goldens.tensor("input"); // [4, 3, size, size]
      noGrad(() => {
        net.eval();
        const features = net.features(input); // [4, C, size / stride, size / stride]
        expect(features.shape).toEqual([4, net.outChannels, size / net.stride, size / net.stride]);
        goldens.expectClose(features, "features", 1e-5);
        goldens.expectClose(net.forward(input), "eval", 1e-5);
      });
      const output = net.train().forward(input); // [4, C]
      goldens.expectClose(output, "train", 1e-5);
      output.mul(goldens.tensor("projection")).sum().backward();
    });
    scope(() => {
      expect(Array.from(net.namedParameters()).length).toBe(goldens.names("gradient/").length);
      for (const [name, parameter] of net.namedParameters()) {
        const gradient = parameter.grad;
        expect(gradient, name).not.toBeNull();
        if (gradient !== null) goldens.expectClose(gradient, `gradient/${name}`, 1e-4);
      }
      const state = net.stateDict();
      for (const name of goldens.names("after/")) {
        goldens.expectClose(state[name], `after/${name}`, name.endsWith("num_batches_tracked") ? 0 : 1e-5);
      }
    });
  });
});

test("width scales every stage, and one seed gives one network", () => {
  scope(() => {
    const make = () => resnet({ depth: 18, stem: "small", width: 16, generator: new Generator(5) });
    using a = make();
    using b = make();
    expect([a.outChannels, a.stride]).toEqual([128, 8]);
    expect(a.stateDict()["layer4.1.conv2.weight"].shape).toEqual([128, 128, 3, 3]);
    expect(a.conv1.weight.toFloat32Array()).toEqual(b.conv1.weight.toFloat32Array());
    expect(a.stateDict()["layer3.0.conv1.weight"].toFloat32Array()).toEqual(
      b.stateDict()["layer3.0.conv1.weight"].toFloat32Array(),
    );
  });
});
