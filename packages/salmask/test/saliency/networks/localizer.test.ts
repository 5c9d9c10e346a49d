import { full, nn, scope, type Tensor } from "@salmask/torch";
import { expect, it } from "vitest";
import type { CuedPictures } from "../../../src/models/localization-network.js";
import { LocalizerSource, localizerCues } from "../../../src/saliency/networks/localizer.js";

/** Logits -1 in the upper half and 2 in the lower half of its input, one place per pixel. Records the input's sizes. */
class Halves extends nn.Module<CuedPictures> {
  readonly seen: number[][] = [];

  forward({ pictures, cues }: CuedPictures): Tensor {
    const [batch, , height, width] = pictures.shape;
    this.seen.push([height, width]);
    expect(cues.shape).toEqual([batch, localizerCues, height, width]);
    const logits = full([batch, 1, height, width], -1);
    logits.narrow(2, height / 2, height / 2).fill_(2);
    return logits;
  }
}

it("resizes the network's input to its side, and gives each cell the mean probability of its places", () => {
  scope(() => {
    const network = new Halves();
    const source = new LocalizerSource(network, 8);
    const [low, high] = [-1, 2].map((logit) => 1 / (1 + Math.exp(-logit)));
    for (const [height, width] of [
      [8, 8],
      [20, 12],
      [5, 7],
    ]) {
      const map = source.maps(full([2, 3, height, width], 0), { rows: 3, cols: 4 }).toArray();
      // The middle row of three lies half in either half.
      const expected = [low, (low + high) / 2, high].flatMap((value) => [value, value, value, value]);
      for (const [cell, value] of [...expected, ...expected].entries())
        expect(map[cell]).toBeCloseTo(value, 5);
    }
    expect(network.seen).toEqual([
      [8, 8],
      [8, 8],
      [8, 8],
    ]);
    source.dispose();
  });
});
