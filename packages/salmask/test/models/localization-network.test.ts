import { Generator, noGrad, scope, zeros } from "@salmask/torch";
import { expect, it } from "vitest";
import { LocalizationNetwork } from "../../src/models/localization-network.js";

const spec = { backbone: { arch: "resnet18", stem: "imagenet", width: 4 }, channels: 8 } as const;

it("gives logits at a quarter of the input's sides, also where these are no multiple of its stride", () => {
  using network = new LocalizationNetwork(spec, new Generator(0));
  scope(() => {
    const wide = noGrad(() => network.forward(zeros([2, 3, 64, 96])));
    expect(wide.shape).toEqual([2, 1, 16, 24]);
    expect(noGrad(() => network.forward(zeros([1, 3, 52, 36]))).shape).toEqual([1, 1, 13, 9]);
  });
});

it("trains all of its weights, and the same seed gives the same ones", () => {
  using network = new LocalizationNetwork(spec, new Generator(5));
  using again = new LocalizationNetwork(spec, new Generator(5));
  scope(() => {
    const state = again.stateDict();
    for (const [name, tensor] of Object.entries(network.stateDict()))
      expect(state[name].toArray(), name).toEqual(tensor.toArray());
    network
      .forward(zeros([2, 3, 64, 64]).normal_({ generator: new Generator(1) }))
      .abs()
      .sum()
      .backward();
    for (const [name, { grad }] of network.namedParameters())
      expect(grad?.abs().sum().item() ?? 0, name).toBeGreaterThan(0);
  });
});

it("lets what is at one end of a picture change what it finds at the other", () => {
  using network = new LocalizationNetwork(spec, new Generator(2));
  network.eval();
  scope(() => {
    const corners = noGrad(() => {
      const plain = zeros([1, 3, 256, 256]);
      const marked = zeros([1, 3, 256, 256]);
      marked.narrow(2, 0, 32).narrow(3, 0, 32).fill_(3);
      return [plain, marked].map((picture) => network.forward(picture).select(2, 63).select(2, 63).item());
    });
    expect(corners[0]).not.toBe(corners[1]);
  });
});
