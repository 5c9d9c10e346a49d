import { fromTypedArray, full, KeyedRandom, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { SpectralResidualSource } from "../../src/saliency/spectral-residual.js";
import { foregroundCells } from "../../src/saliency/threshold.js";

const source = new SpectralResidualSource();
const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];

interface Complex {
  re: number;
  im: number;
}

/** The discrete Fourier transform from its definition, O(n^4). `sign` -1 forward, 1 backward without the factor 1 / n^2. */
function dft(x: readonly Complex[], n: number, sign: 1 | -1): Complex[] {
  return x.map((_, k) => {
    const [ky, kx] = [Math.floor(k / n), k % n];
    let [re, im] = [0, 0];
    for (const [i, value] of x.entries()) {
      const angle = (sign * 2 * Math.PI * (ky * Math.floor(i / n) + kx * (i % n))) / n;
      re += value.re * Math.cos(angle) - value.im * Math.sin(angle);
      im += value.re * Math.sin(angle) + value.im * Math.cos(angle);
    }
    return { re, im };
  });
}

const wrap = (i: number, n: number) => (i + n) % n;
const reflect = (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * n - 2 - i : i);

/** Hou and Zhang's map of one grey picture `[n, n]` in double precision, smoothed with 11 taps and sigma 2.5. */
function expectedMap(gray: readonly number[], n: number): number[] {
  const spectrum = dft(
    gray.map((re) => ({ re, im: 0 })),
    n,
    -1,
  );
  const logs = spectrum.map(({ re, im }) => Math.log(Math.hypot(re, im)));
  const changed = spectrum.map(({ re, im }, k) => {
    const [y, x] = [Math.floor(k / n), k % n];
    let sum = 0;
    for (const dy of [-1, 0, 1])
      for (const dx of [-1, 0, 1]) sum += logs[wrap(y + dy, n) * n + wrap(x + dx, n)];
    const amplitude = Math.exp(logs[k] - sum / 9);
    const phase = Math.atan2(im, re);
    return { re: amplitude * Math.cos(phase), im: amplitude * Math.sin(phase) };
  });
  const energy = dft(changed, n, 1).map(({ re, im }) => (re ** 2 + im ** 2) / n ** 4);
  const weight = (d: number) => Math.exp(-(d ** 2) / (2 * 2.5 ** 2));
  return energy.map((_, k) => {
    let [sum, total] = [0, 0];
    for (let dy = -5; dy <= 5; dy++) {
      for (let dx = -5; dx <= 5; dx++) {
        const w = weight(dy) * weight(dx);
        total += w;
        sum += w * energy[reflect(Math.floor(k / n) + dy, n) * n + reflect((k % n) + dx, n)];
      }
    }
    return sum / total;
  });
}

/** A normalised crop `[1, 3, n, n]` with colours in [0, 1], and its grey values. */
function picture(
  n: number,
  colour: (y: number, x: number, channel: number) => number,
): { crop: Tensor; gray: number[] } {
  const data = new Float32Array(3 * n * n);
  const gray = new Array<number>(n * n).fill(0);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < n * n; i++) {
      const value = colour(Math.floor(i / n), i % n, c);
      data[c * n * n + i] = (value - mean[c]) / std[c];
      gray[i] += [0.299, 0.587, 0.114][c] * value;
    }
  }
  return { crop: fromTypedArray(data, [1, 3, n, n]), gray };
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  const scale = Math.max(...expected);
  for (const [i, value] of actual.entries()) expect(value / scale).toBeCloseTo(expected[i] / scale, 3);
}

describe("SpectralResidualSource", () => {
  it("agrees with the published formula, computed from the definition of the transform", () => {
    scope(() => {
      const n = 16;
      const random = new KeyedRandom(2);
      const { crop, gray } = picture(n, () => random.uniform());
      const expected = expectedMap(gray, n);
      expectClose(source.maps(crop, { rows: n, cols: n }).toArray(), expected);
      const halves = [0, 1, 2, 3].map((cell) => {
        const [top, left] = [Math.floor(cell / 2) * 8, (cell % 2) * 8];
        let sum = 0;
        for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) sum += expected[(top + y) * n + left + x];
        return sum / 64;
      });
      expectClose(source.maps(crop, { rows: 2, cols: 2 }).toArray(), halves);
    });
  });

  it("uses large crops at 64 pixels per side", () => {
    scope(() => {
      const random = new KeyedRandom(3);
      const noise = Array.from({ length: 64 * 64 * 3 }, () => random.uniform());
      const small = picture(64, (y, x, c) => noise[(c * 64 + y) * 64 + x]).crop;
      const large = picture(128, (y, x, c) => noise[(c * 64 + (y >> 1)) * 64 + (x >> 1)]).crop;
      const size = { rows: 8, cols: 8 };
      expectClose(source.maps(large, size).toArray(), source.maps(small, size).toArray());
    });
  });

  it("finds the object's position, independently in each crop", () => {
    scope(() => {
      const at = (top: number, left: number) => {
        const random = new KeyedRandom(4);
        return picture(64, (y, x) => {
          const object = y >= top && y < top + 12 && x >= left && x < left + 12;
          return (object ? 0.9 * ((y + x) % 2) : 0.4) + 0.02 * random.uniform();
        }).crop;
      };
      for (const [top, left, cell] of [
        [2, 2, 0],
        [2, 50, 3],
        [50, 2, 12],
        [34, 18, 9],
      ]) {
        const map = source.maps(at(top, left), { rows: 4, cols: 4 }).toArray();
        expect(map.indexOf(Math.max(...map)), `object at ${top}, ${left}`).toBe(cell);
      }
    });
  });

  it("gives a constant map for a crop of one colour, all foreground", () => {
    scope(() => {
      for (const value of [0, 0.37, -1.5]) {
        const maps = source.maps(full([1, 3, 32, 32], value), { rows: 4, cols: 4 });
        expect(foregroundCells(maps).shares[0]).toBe(1);
      }
    });
  });
});
