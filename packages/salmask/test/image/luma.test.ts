import { scope, tensor } from "@salmask/torch";
import { expect, test } from "vitest";
import { BT601, luma, TORCHVISION_LUMA } from "../../src/image/luma.js";

test.each([BT601, TORCHVISION_LUMA])(
  "luma is the weighted sum of the channels of each pixel",
  (...weights) => {
    scope(() => {
      const values = Float64Array.from({ length: 2 * 3 * 4 }, (_, i) => ((i * 7) % 11) / 10);
      const found = luma(tensor(Float32Array.from(values), { shape: [2, 3, 2, 2] }), weights);
      expect(found.shape).toEqual([2, 1, 2, 2]);
      const flat = found.toTypedArray();
      for (let image = 0; image < 2; image++) {
        for (let pixel = 0; pixel < 4; pixel++) {
          const expected = weights.reduce((sum, w, c) => sum + w * values[(image * 3 + c) * 4 + pixel], 0);
          expect(flat[image * 4 + pixel]).toBeCloseTo(expected, 6);
        }
      }
    });
  },
);
