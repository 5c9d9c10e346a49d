import { full, ops, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { backgroundContrast } from "../../../src/saliency/barrier/background-contrast.js";
import { minimumBarrierDistance } from "../../../src/saliency/barrier/barrier-distance.js";
import { borderCues } from "../../../src/saliency/barrier/border-cues.js";
import { squareOnNoise } from "../../support/square-on-noise.js";

it("is each cue of each picture by itself, scaled to a largest value of 1", () => {
  scope(() => {
    const { photo } = squareOnNoise();
    const pictures = ops.cat([photo, photo.flip([2]).mul(-0.5)]); // [B, 3, H, W]
    const [batch, , height, width] = pictures.shape;
    const cues = borderCues(pictures, Math.max(height, width));
    expect(cues.shape).toEqual([batch, 2, height, width]);
    const planes = pictures.contiguous().toFloat32Array();
    const found = cues.toFloat32Array();
    const area = height * width;
    for (let i = 0; i < batch; i++) {
      const picture = planes.subarray(3 * i * area, 3 * (i + 1) * area);
      for (const [cue, cueOf] of [minimumBarrierDistance, backgroundContrast].entries()) {
        const values = cueOf(picture, { height, width });
        const most = Math.max(...values);
        for (let p = 0; p < area; p++)
          expect(found[(2 * i + cue) * area + p]).toBeCloseTo(values[p] / most, 6);
      }
    }
  });
});

it("shrinks pictures to its side, leaves smaller ones as they are, and is 0 for one of a single colour", () => {
  scope(() => {
    const cues = borderCues(full([2, 3, 40, 12], 0.3), 16);
    expect(cues.shape).toEqual([2, 2, 16, 12]);
    expect(new Set(cues.toArray())).toEqual(new Set([0]));
  });
});
