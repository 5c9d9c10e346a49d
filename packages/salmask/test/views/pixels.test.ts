import { fromTypedArray, scope, type Tensor, tensor } from "@salmask/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gaussianBlur } from "../../src/image/gaussian-blur.js";
import { normalize } from "../../src/image/normalize.js";
import { blurView, viewBlurKernel } from "../../src/views/blur.js";
import { colorJitter } from "../../src/views/color-jitter.js";
import { cropResize } from "../../src/views/crop-resize.js";
import { drawView, JITTER_OPERATIONS, sliceDraw, type ViewDraw } from "../../src/views/draw.js";
import { grayscale } from "../../src/views/grayscale.js";
import { renderView } from "../../src/views/render.js";
import { MOCO_V2_VIEW } from "../../src/views/settings.js";
import { solarizeView } from "../../src/views/solarize.js";
import { Goldens, maxDifference } from "./torchvision.js";

interface ViewRequest {
  size: number;
  crop: number;
  box: number[];
  flip: number;
  jitter: number;
  order: number[];
  factors: number[];
  gray: number;
  kernel: number;
  sigma: number;
}

const VIEWS = [
  { size: 40, crop: 32 },
  { size: 100, crop: 64 },
  { size: 72, crop: 96 },
];
const VIEWS_EACH = 24;

/** Photos with the size of their squares, so that boxes are whole numbers, which torchvision needs. */
function drawSquares(size: number): ViewDraw {
  const ids = Array.from({ length: VIEWS_EACH }, (_, i) => i);
  const sizes = new Int32Array(VIEWS_EACH * 2).fill(size);
  return drawView({ seed: 7, epoch: 3, view: 1 }, ids, sizes, size);
}

function requests(): ViewRequest[] {
  return VIEWS.flatMap(({ size, crop }) => {
    const draw = drawSquares(size);
    return Array.from({ length: draw.count }, (_, row) => ({
      size,
      crop,
      box: Array.from(draw.boxes.subarray(row * 4, row * 4 + 4)),
      flip: draw.flip[row],
      jitter: draw.jitter[row],
      order: Array.from(draw.jitterOrder.subarray(row * 4, row * 4 + 4)),
      factors: Array.from(draw.jitterFactors.subarray(row * 4, row * 4 + 4)),
      gray: draw.gray[row],
      kernel: viewBlurKernel(crop),
      sigma: (draw.blurSigma[row] * crop) / 224,
    }));
  });
}

let goldens: Goldens;
beforeAll(() => {
  goldens = new Goldens({ views: requests() });
});
afterAll(() => goldens.remove());

/** Only one colour operation: the others have factors that change nothing. */
function adjust(images: Tensor, operation: (typeof JITTER_OPERATIONS)[number], factor: number): Tensor {
  const ours = images.clone();
  const count = images.shape[0];
  const factors = JITTER_OPERATIONS.map((name) => (name === operation ? factor : name === "hue" ? 0 : 1));
  colorJitter(ours, {
    count,
    jitter: new Uint8Array(count).fill(1),
    jitterOrder: Uint8Array.from({ length: count * 4 }, (_, i) => (i + Math.floor(i / 4)) % 4),
    jitterFactors: Float64Array.from({ length: count * 4 }, (_, i) => factors[i % 4]),
  });
  return ours;
}

describe("compared with torchvision at the same parameters", () => {
  it("crops, resizes with antialiasing and flips", () => {
    scope(() => {
      for (const golden of goldens.of<{ box: number[]; crop: number; flip: number }>("resized_crop")) {
        const { box, crop, flip } = golden.params;
        const draw = { squareBoxes: Float64Array.from(box), flip: Uint8Array.of(flip) };
        const ours = cropResize(golden.input, draw, crop);
        expect(maxDifference(ours, golden.output), JSON.stringify(golden.params)).toBeLessThan(1e-5);
      }
    });
  });

  it.each([
    { op: "brightness", tolerance: 1e-5 },
    { op: "contrast", tolerance: 1e-5 },
    { op: "saturation", tolerance: 1e-5 },
    { op: "hue", tolerance: 1e-4 },
  ] as const)("adjusts $op", ({ op, tolerance }) => {
    scope(() => {
      for (const { params, input, output } of goldens.of<{ factor: number }>(op)) {
        const ours = adjust(input, op, params.factor);
        expect(maxDifference(ours, output), JSON.stringify(params)).toBeLessThan(tolerance);
      }
    });
  });

  it("makes only the drawn images grey", () => {
    scope(() => {
      const [{ input, output }] = goldens.of("grayscale");
      const ours = input.clone();
      grayscale(ours, Uint8Array.of(1, 0, 1));
      for (const row of [0, 2])
        expect(maxDifference(ours.select(0, row), output.select(0, row))).toBeLessThan(1e-6);
      expect(maxDifference(ours.select(0, 1), input.select(0, 1))).toBe(0);
    });
  });

  it("inverts bright values of only the drawn images", () => {
    scope(() => {
      const [{ input, output }] = goldens.of("solarize");
      const ours = input.clone();
      solarizeView(ours, Uint8Array.of(1, 0, 1));
      for (const row of [0, 2]) expect(maxDifference(ours.select(0, row), output.select(0, row))).toBe(0);
      expect(maxDifference(ours.select(0, 1), input.select(0, 1))).toBe(0);
    });
  });

  it("normalises", () => {
    scope(() => {
      const [{ input, output }] = goldens.of("normalize");
      expect(maxDifference(normalize(input.clone()), output)).toBeLessThan(1e-5);
    });
  });

  it("blurs, and uses the largest kernel that fits a small image", () => {
    scope(() => {
      for (const { params, input, output } of goldens.of<{ kernel: number; sigma: number }>(
        "gaussian_blur",
      )) {
        const ours = gaussianBlur(input, params.kernel, params.sigma);
        expect(maxDifference(ours, output), JSON.stringify(params)).toBeLessThan(1e-5);
      }
      const small = gaussianBlur(tensor([1, 0, 0, 0, 0, 0, 0, 0, 0], { shape: [1, 1, 3, 3] }), 31, 10);
      const fitted = gaussianBlur(tensor([1, 0, 0, 0, 0, 0, 0, 0, 0], { shape: [1, 1, 3, 3] }), 5, 10);
      expect(maxDifference(small, fitted)).toBe(0);
    });
  });

  it("renders whole views", () => {
    scope(() => {
      const all = goldens.of<ViewRequest>("view");
      for (const [i, { size, crop }] of VIEWS.entries()) {
        const mine = all.slice(i * VIEWS_EACH, (i + 1) * VIEWS_EACH);
        const images = fromTypedArray(Uint8Array.from(mine.flatMap(({ input }) => input.toArray())), [
          VIEWS_EACH,
          3,
          size,
          size,
        ]);
        const ours = renderView(images, drawSquares(size), { crop });
        expect(ours.shape).toEqual([VIEWS_EACH, 3, crop, crop]);
        for (const [row, { params, output }] of mine.entries()) {
          const difference = maxDifference(ours.narrow(0, row, 1), output);
          expect(difference, JSON.stringify(params)).toBeLessThan(5e-4);
        }
      }
    });
  });
});

describe("renderView", () => {
  const noise = (count: number, size: number): Tensor =>
    fromTypedArray(
      Uint8Array.from({ length: count * 3 * size * size }, (_, i) => (i * 2654435761) >>> 24),
      [count, 3, size, size],
    );

  it("changes nothing if everything is off", () => {
    scope(() => {
      const off = { scale: [1, 1], ratio: [1, 1], flipProbability: 0, jitterProbability: 0 } as const;
      const options = { ...MOCO_V2_VIEW, ...off, grayscaleProbability: 0, blurProbability: 0 };
      const draw = drawView(
        { seed: 1, epoch: 0, view: 0 },
        [0, 1],
        Int32Array.of(90, 90, 16, 16),
        16,
        options,
      );
      const images = noise(2, 16);
      const plain = { crop: 16, mean: [0, 0, 0], std: [1, 1, 1] } as const;
      const ours = renderView(images, draw, plain);
      expect(maxDifference(ours, images.to({ dtype: "float32" }).div(255))).toBeLessThan(1e-6);
    });
  });

  it("solarizes last, and changes nothing else for it", () => {
    scope(() => {
      const sizes = new Int32Array(16).fill(40);
      const ids = [0, 1, 2, 3, 4, 5, 6, 7];
      const images = noise(8, 24);
      const [plain, solarized] = [0, 0.5].map((solarizeProbability) => {
        const options = { ...MOCO_V2_VIEW, solarizeProbability };
        const draw = drawView({ seed: 1, epoch: 0, view: 0 }, ids, sizes, 24, options);
        const view = renderView(images, draw, { crop: 16, mean: [0, 0, 0], std: [1, 1, 1] });
        return { draw, values: view.toFloat32Array() };
      });
      expect(new Set(solarized.draw.solarize)).toEqual(new Set([0, 1]));
      const each = 3 * 16 * 16;
      const expected = plain.values.map((value, i) =>
        solarized.draw.solarize[Math.floor(i / each)] === 1 && value >= 128 / 255 ? 1 - value : value,
      );
      expect(solarized.values).toEqual(expected);
    });
  });

  it("gives an image the same view alone and in a batch of several chunks", () => {
    scope(() => {
      const [count, size, crop] = [12, 200, 160];
      const ids = Array.from({ length: count }, (_, i) => i);
      const sizes = Int32Array.from({ length: count * 2 }, (_, i) => 150 + 17 * i);
      const draw = drawView({ seed: 5, epoch: 1, view: 0 }, ids, sizes, size);
      const images = noise(count, size);
      const together = renderView(images, draw, { crop });
      for (const row of ids) {
        const alone = renderView(images.narrow(0, row, 1), sliceDraw(draw, row, row + 1), { crop });
        expect(maxDifference(alone, together.narrow(0, row, 1))).toBeLessThan(1e-5);
      }
    });
  });

  it("restores the aspect ratio of a photo that is not square", () => {
    // A 2:1 photo of vertical stripes, one pixel per stripe in the square; a square crop shows half its width.
    scope(() => {
      const size = 32;
      const ramp = Uint8Array.from({ length: 3 * size * size }, (_, i) => (i % size) * 8);
      const options = { ...MOCO_V2_VIEW, scale: [0.5, 0.5], ratio: [1, 1], flipProbability: 0 } as const;
      const plain = { ...options, jitterProbability: 0, grayscaleProbability: 0, blurProbability: 0 };
      const draw = drawView({ seed: 2, epoch: 0, view: 0 }, [0], Int32Array.of(100, 200), size, plain);
      const [top, left, height, width] = draw.boxes;
      expect([top, height, width]).toEqual([0, 100, 100]);
      const view = renderView(fromTypedArray(ramp, [1, 3, size, size]), draw, {
        crop: 16,
        mean: [0, 0, 0],
        std: [1, 1, 1],
      });
      const middle = view.narrow(2, 5, 1).narrow(1, 0, 1).toArray();
      const start = (left * size) / 200;
      for (let x = 1; x < 15; x++) {
        // Stripe j has the value 8 j at its centre, j + 0.5; the crop's 16 outputs step 1 px of the square.
        expect(middle[x] * 255).toBeCloseTo(8 * (start + x), 2);
      }
    });
  });

  it("rejects images that do not match the draw", () => {
    scope(() => {
      const draw = drawView({ seed: 1, epoch: 0, view: 0 }, [0], Int32Array.of(9, 9), 16);
      expect(() => renderView(noise(2, 16), draw, { crop: 16 })).toThrow(
        "Expected uint8 images [1, 3, 16, 16]",
      );
      const floats = noise(1, 16).to({ dtype: "float32" });
      expect(() => renderView(floats, draw, { crop: 16 })).toThrow("float32");
    });
  });
});

describe("operations of some images of a batch", () => {
  it("does not change the others", () => {
    scope(() => {
      const images = tensor(
        Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => (i % 97) / 97),
        { shape: [2, 3, 8, 8] },
      );
      const ours = images.clone();
      colorJitter(ours, {
        count: 2,
        jitter: Uint8Array.of(0, 1),
        jitterOrder: Uint8Array.of(0, 1, 2, 3, 3, 2, 1, 0),
        jitterFactors: Float64Array.of(0.5, 0.5, 0.5, 0.5, 0.6, 1.2, 0.7, 0.1),
      });
      blurView(ours, Float64Array.of(0, 40));
      expect(maxDifference(ours.select(0, 0), images.select(0, 0))).toBe(0);
      expect(maxDifference(ours.select(0, 1), images.select(0, 1))).toBeGreaterThan(0.01);
    });
  });

  it("scales the view's kernel with the crop", () => {
    expect([224, 112, 96, 64, 32, 8].map(viewBlurKernel)).toEqual([23, 11, 9, 7, 3, 3]);
  });
});

describe("colour", () => {
  it("shifts the hue of pure colours by thirds of a turn", () => {
    scope(() => {
      const red = tensor([1, 0, 0], { shape: [1, 3, 1, 1] });
      const round = (t: Tensor) => t.toArray().map((value) => Math.round(value * 1e5) / 1e5);
      expect(round(adjust(red, "hue", 1 / 3))).toEqual([0, 1, 0]);
      expect(round(adjust(red, "hue", -1 / 3))).toEqual([0, 0, 1]);
    });
  });
});
