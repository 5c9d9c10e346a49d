import { full, nn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { LocalizerSource } from "../../src/saliency/localizer.js";

/** Returns 1 in the upper half and 3 in the lower half of its input, one cell per pixel, and records the input sizes. */
class Halves extends nn.Module {
  readonly seen: number[][] = [];

  forward(input: Tensor): Tensor {
    return this.features(input);
  }

  features(input: Tensor): Tensor {
    const [batch, , height, width] = input.shape;
    this.seen.push([height, width]);
    const map = full([batch, 1, height, width], 1);
    map.narrow(2, height / 2, height / 2).fill_(3);
    return map;
  }
}

describe("LocalizerSource", () => {
  it("resizes the network's input to its side, subtracts the minimum and multiplies with a bell", () => {
    scope(() => {
      const network = new Halves();
      const source = new LocalizerSource(network, 8);
      for (const [height, width] of [
        [8, 8],
        [20, 12],
        [5, 7],
      ]) {
        const map = source.maps(full([2, 3, height, width], 0), { rows: 4, cols: 4 }).toArray();
        for (let cell = 0; cell < 32; cell++) {
          const [y, x] = [Math.floor((cell % 16) / 4), cell % 4].map((at) => (at + 0.5) / 4 - 0.5);
          const expected = y < 0 ? 0 : 2 * Math.exp(-(x * x + y * y) / (2 * 0.35 ** 2));
          expect(map[cell]).toBeCloseTo(expected, 5);
        }
      }
      expect(network.seen).toEqual([
        [8, 8],
        [8, 8],
        [8, 8],
      ]);
      source.dispose();
    });
  });
});
