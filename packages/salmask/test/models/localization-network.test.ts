import { Generator, noGrad, scope, zeros } from "@salmask/torch";
import { expect, it } from "vitest";
import { LocalizationNetwork } from "../../src/models/localization-network.js";

const spec = { backbone: { arch: "resnet18", stem: "imagenet", width: 4 }, channels: 8, cues: 2 } as const;

/** Pictures of zeros with cues of zeros. */
const blank = (batch: number, height: number, width: number) => ({
  pictures: zeros([batch, 3, height, width]),
  cues: zeros([batch, 2, 16, 16]),
});

it("gives logits at a quarter of the input's sides, also where these are no multiple of its stride", () => {
  using network = new LocalizationNetwork(spec, new Generator(0));
  scope(() => {
    const wide = noGrad(() => network.forward(blank(2, 64, 96)));
    expect(wide.shape).toEqual([2, 1, 16, 24]);
    expect(noGrad(() => network.forward(blank(1, 52, 36))).shape).toEqual([1, 1, 13, 9]);
  });
});

it("trains all of its weights, and the same seed gives the same ones", () => {
  using network = new LocalizationNetwork(spec, new Generator(5));
  using again = new LocalizationNetwork(spec, new Generator(5));
  scope(() => {
    const state = again.stateDict();
    for (const [name, tensor] of Object.entries(network.stateDict()))
      expect(state[name].toArray(), name).toEqual(tensor.toArray());
    const generator = new Generator(1);
    const { pictures, cues } = blank(2, 64, 64);
    // As training lays them out.
    const laid = pictures.normal_({ generator }).contiguous({ memoryFormat: "channelsLast" }); // [2, 3, 64, 64]
    network
      .forward({ pictures: laid, cues: cues.normal_({ generator }) })
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
      const [plain, marked] = [blank(1, 256, 256), blank(1, 256, 256)];
      marked.pictures.narrow(2, 0, 32).narrow(3, 0, 32).fill_(3);
      return [plain, marked].map((asked) => network.forward(asked).select(2, 63).select(2, 63).item());
    });
    expect(corners[0]).not.toBe(corners[1]);
  });
});

it("lets each cue change what it finds where the cue is, and hardly far from it", () => {
  using network = new LocalizationNetwork(spec, new Generator(4));
  network.eval();
  scope(() => {
    const find = (cue: number | null) => {
      const asked = blank(1, 256, 256);
      if (cue !== null) asked.cues.select(1, cue).narrow(1, 0, 4).narrow(2, 0, 4).fill_(1);
      return noGrad(() => network.forward(asked)); // [1, 1, 64, 64]
    };
    const plain = find(null);
    for (const cue of [0, 1]) {
      const change = find(cue).sub(plain).abs().squeeze(0).squeeze(0); // [64, 64]
      expect(Math.max(...change.narrow(0, 0, 16).narrow(1, 0, 16).toArray())).toBeGreaterThan(1e-4);
      expect(Math.max(...change.narrow(0, 32, 32).toArray())).toBe(0);
    }
  });
});
