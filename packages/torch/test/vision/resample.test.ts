import {
  fromTypedArray,
  Generator,
  liveTensors,
  ops,
  rand,
  randn,
  scope,
  type Tensor,
  zeros,
} from "@salmask/torch";
import { describe, expect, test } from "vitest";

interface Axis {
  readonly starts: Tensor;
  readonly weights: Tensor;
}

/** For each of two images: outputs of `taps` weights, from starts that differ. */
function axisOf(outputs: number, taps: number, inputs: number, seed: number): Axis {
  const starts = Int32Array.from({ length: 2 * outputs }, (_, i) => (7 * i + seed) % (inputs - taps + 1));
  return {
    starts: fromTypedArray(starts, [2, outputs]),
    weights: randn([2, outputs, taps], { generator: new Generator(seed) }),
  };
}

const resample = (images: Tensor, rows: Axis, columns: Axis) =>
  ops.fastResample(images, rows.starts, rows.weights, columns.starts, columns.weights);

/** By the definition: each output is a sum over all pixels of its two windows. */
function byDefinition(images: Tensor, rows: Axis, columns: Axis): number[] {
  const [count, channels, height, width] = images.shape;
  const [values, ys, xs, vs, hs] = [images, rows.starts, columns.starts, rows.weights, columns.weights].map(
    (tensor) => tensor.toArray() as number[],
  );
  const [, down, rowTaps] = rows.weights.shape;
  const [, across, columnTaps] = columns.weights.shape;
  const sums: number[] = [];
  for (let image = 0; image < count; image++)
    for (let channel = 0; channel < channels; channel++)
      for (let y = 0; y < down; y++)
        for (let x = 0; x < across; x++) {
          const [row, column] = [image * down + y, image * across + x];
          let sum = 0;
          for (let v = 0; v < rowTaps; v++)
            for (let h = 0; h < columnTaps; h++) {
              const at = ((image * channels + channel) * height + ys[row] + v) * width + xs[column] + h;
              sum += vs[row * rowTaps + v] * hs[column * columnTaps + h] * values[at];
            }
          sums.push(sum);
        }
  return sums;
}

describe("fastResample", () => {
  test.each([
    { height: 9, width: 13, down: 4, across: 7, rowTaps: 3, columnTaps: 5 },
    { height: 5, width: 5, down: 11, across: 1, rowTaps: 1, columnTaps: 5 },
  ])("has the definition's sums, $height x $width to $down x $across", (size) => {
    scope(() => {
      const images = rand([2, 3, size.height, size.width], { generator: new Generator(3) });
      const rows = axisOf(size.down, size.rowTaps, size.height, 1);
      const columns = axisOf(size.across, size.columnTaps, size.width, 2);
      const ours = resample(images, rows, columns);
      expect(ours.shape).toEqual([2, 3, size.down, size.across]);
      const expected = byDefinition(images, rows, columns).map((value) => expect.closeTo(value, 4));
      expect(ours.toArray()).toEqual(expected);
    });
    expect(liveTensors().count).toBe(0);
  });

  test("lets NaN through where a window has it", () => {
    scope(() => {
      const images = fromTypedArray(Float32Array.of(1, Number.NaN, 3), [1, 1, 1, 3]);
      const one = { starts: fromTypedArray(Int32Array.of(0), [1, 1]), weights: zeros([1, 1, 1]).add_(1) };
      const ends = {
        starts: fromTypedArray(Int32Array.of(0, 1, 2), [1, 3]),
        weights: zeros([1, 3, 1]).add_(1),
      };
      expect(resample(images, one, ends).toArray()).toEqual([1, Number.NaN, 3]);
    });
  });

  test.each<[string, () => void, RegExp]>([
    [
      "planes without channels",
      () => resample(zeros([2, 8, 8]), axis(), axis()),
      /images \[B, C, H, W\].*got Float \[2, 8, 8\]/,
    ],
    [
      "another type",
      () => resample(zeros([2, 1, 8, 8], { dtype: "float64" }), axis(), axis()),
      /float32 images.*got Double/,
    ],
    ["gaps", () => resample(zeros([2, 1, 8, 9]).narrow(3, 0, 8), axis(), axis()), /without gaps/],
    ["a gradient", () => resample(gradient(), axis(), axis()), /without a gradient/],
    [
      "a start past the end",
      () => resample(zeros([2, 1, 2, 8]), axis(), axis()),
      /row starts from 0 to -1, got/,
    ],
    [
      "starts of another batch",
      () => resample(zeros([3, 1, 8, 8]), axis(), axis()),
      /row starts \[3, outputs\].*got Int \[2, 4\]/,
    ],
    [
      "weights of other outputs",
      () => resample(zeros([2, 1, 8, 8]), axis(), { ...axis(), weights: zeros([2, 5, 3]) }),
      /column weights \[2, 4, taps\]/,
    ],
  ])("throws for %s", (_, call, message) => {
    scope(() => expect(call).toThrow(message));
    expect(liveTensors().count).toBe(0);
  });
});

const axis = () => axisOf(4, 3, 8, 1);

function gradient(): Tensor {
  const images = zeros([2, 1, 8, 8]);
  images.requiresGrad = true;
  return images;
}
