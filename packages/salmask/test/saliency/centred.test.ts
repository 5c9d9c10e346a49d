import { full, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { CentredSource } from "../../src/saliency/centred.js";

it("multiplies maps with a bell of 0.35 of the side, the same for every crop", () => {
  const plain = { name: "plain", maps: () => full([2, 3, 4], 5), dispose: () => {} };
  scope(() => {
    const maps = new CentredSource(plain).maps(full([2, 3, 9, 9], 0), { rows: 3, cols: 4 }).toArray();
    for (const [place, value] of maps.entries()) {
      const [y, x] = [(Math.floor((place % 12) / 4) + 0.5) / 3 - 0.5, ((place % 4) + 0.5) / 4 - 0.5];
      expect(value).toBeCloseTo(5 * Math.exp(-(x * x + y * y) / (2 * 0.35 ** 2)), 5);
    }
  });
});
