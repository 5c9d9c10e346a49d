import { Generator, liveTensors, rand, scope } from "@salmask/torch";
import { afterEach, expect, test } from "vitest";
import { resample } from "../../src/image/resample.js";
import { resampleByProducts } from "../../src/image/resample-by-products.js";
import { boxIntervals, type Filter } from "../../src/image/taps.js";
import { colorJitter } from "../../src/views/color-jitter.js";
import { colorJitterByOperators } from "../../src/views/color-jitter-by-operators.js";
import { drawView } from "../../src/views/draw.js";
import { maxDifference } from "./torchvision.js";

afterEach(() => expect(liveTensors().count).toBe(0));

const count = 24;
const draw = drawView(
  { seed: 5, epoch: 2, view: 0 },
  Array.from({ length: count }, (_, i) => i),
  new Int32Array(2 * count).fill(40),
  40,
);

// What a GPU gets, on the CPU.
test("colours are jittered by tensor operators as by the CPU's kernel", () => {
  scope(() => {
    const images = rand([count, 3, 17, 19], { generator: new Generator(1) });
    const other = images.clone();
    colorJitter(images, draw);
    colorJitterByOperators(other, draw);
    expect(maxDifference(images, other)).toBeLessThan(1e-4);
  });
});

test.each<{ filter: Filter; to: number }>([
  { filter: "bilinear", to: 16 },
  { filter: "bilinear", to: 64 },
  { filter: "area", to: 7 },
])("images are resampled by products as by the CPU's kernel: $filter, 40 to $to", ({ filter, to }) => {
  scope(() => {
    const images = rand([count, 2, 40, 40], { generator: new Generator(2) });
    const axes = boxIntervals(draw.squareBoxes, draw.flip);
    const ours = resample(images, axes, [to, to], filter);
    expect(ours.shape).toEqual([count, 2, to, to]);
    expect(maxDifference(ours, resampleByProducts(images, axes, [to, to], filter))).toBeLessThan(1e-5);
  });
});
