/**
 * Draws every decision of MoCo v2's augmentation (Chen et al. 2020, "Improved Baselines with Momentum Contrastive
 * Learning") on the host, before any pixel is changed. The decisions of an image depend only on its own key, not on its
 * batch or on earlier draws.
 */
import { KeyedRandom } from "@salmask/torch";
import { SalmaskError } from "../base/errors.js";
import { purpose } from "../base/purposes.js";
import { MOCO_V2_VIEW, type ViewOptions } from "./settings.js";

const CROP_TRIES = 10;

/** The four colour operations of torchvision's `ColorJitter`; `ViewDraw.jitterOrder` contains their indices. */
export const JITTER_OPERATIONS = ["brightness", "contrast", "saturation", "hue"] as const;

/** Identifies a view's decisions; together with an image's id it is the key of that image's random stream. */
export interface ViewKey {
  seed: number;
  epoch: number;
  /** The number of the view of one image: 0, 1, ... */
  view: number;
}

/** The decisions for B images, one row per image. */
export interface ViewDraw {
  readonly count: number;
  /** Side S of the stored squares, in pixels. */
  readonly size: number;
  /** `[B, 4]`: top, left, height, width of the crop in the pixels of the original photo, whole numbers. */
  readonly boxes: Int32Array;
  /** `[B, 4]`: the same crop in the pixels of the stored S x S square; can be fractions of pixels. */
  readonly squareBoxes: Float64Array;
  /** `[B]`: 1 if the view is flipped left to right. */
  readonly flip: Uint8Array;
  /** `[B]`: 1 if the colours are jittered. */
  readonly jitter: Uint8Array;
  /** `[B, 4]`: the order of the colour operations, indices into `JITTER_OPERATIONS`. */
  readonly jitterOrder: Uint8Array;
  /** `[B, 4]`: factors of brightness, contrast and saturation, and the shift of hue in turns. */
  readonly jitterFactors: Float64Array;
  /** `[B]`: 1 if the view is grey. */
  readonly gray: Uint8Array;
  /** `[B]`: standard deviation of the blur in pixels of a 224-pixel crop; 0 if there is none. */
  readonly blurSigma: Float64Array;
  /** `[B]`: 1 if bright values are inverted. */
  readonly solarize: Uint8Array;
}

/** The decisions about colours. */
export type JitterDraw = Pick<ViewDraw, "count" | "jitter" | "jitterOrder" | "jitterFactors">;

/**
 * Draws one view of each image.
 *
 * @param ids the images' numbers in the data set: B whole numbers.
 * @param originalSizes [N, 2]: height and width of every photo of the data set, looked up by id.
 * @param size side S of the stored squares.
 */
export function drawView(
  key: ViewKey,
  ids: ArrayLike<number>,
  originalSizes: Int32Array,
  size: number,
  options: ViewOptions = MOCO_V2_VIEW,
): ViewDraw {
  const draw = plainDraw(ids, originalSizes, size);
  for (let row = 0; row < ids.length; row++) {
    const random = new KeyedRandom(key.seed, purpose.view, key.epoch, ids[row], key.view);
    draw.flip[row] = Number(random.uniform() < options.flipProbability);
    draw.jitter[row] = Number(random.uniform() < options.jitterProbability);
    draw.jitterOrder.set(random.permutation(JITTER_OPERATIONS.length), row * 4);
    for (const [i, strength] of [options.brightness, options.contrast, options.saturation].entries()) {
      draw.jitterFactors[row * 4 + i] = random.uniformIn(Math.max(0, 1 - strength), 1 + strength);
    }
    draw.jitterFactors[row * 4 + 3] = random.uniformIn(-options.hue, options.hue);
    draw.gray[row] = Number(random.uniform() < options.grayscaleProbability);
    const blurred = random.uniform() < options.blurProbability;
    const sigma = random.uniformIn(options.blurSigma[0], options.blurSigma[1]);
    draw.blurSigma[row] = blurred ? sigma : 0;
    draw.solarize[row] = Number(isSolarized(key, ids[row], options));
    // The crop uses a variable number of random numbers, so it is drawn last.
    const [height, width] = [originalSizes[ids[row] * 2], originalSizes[ids[row] * 2 + 1]];
    setBox(draw, row, randomResizedCrop(random, height, width, options), height, width);
  }
  return draw;
}

/**
 * The view for evaluation: the central square whose side is `fraction` of the photo's shorter side, without other
 * changes. Parameters as in {@link drawView}; `fraction` is in (0, 1], usually 224 / 256.
 */
export function centralView(
  ids: ArrayLike<number>,
  originalSizes: Int32Array,
  size: number,
  options: { fraction: number },
): ViewDraw {
  const draw = plainDraw(ids, originalSizes, size);
  for (let row = 0; row < ids.length; row++) {
    const [height, width] = [originalSizes[ids[row] * 2], originalSizes[ids[row] * 2 + 1]];
    const side = Math.max(1, Math.round(Math.min(height, width) * options.fraction));
    setBox(draw, row, centralBox(height, width, side, side), height, width);
  }
  return draw;
}

/** Whole photos, as their stored squares. Parameters as in {@link drawView}. */
export function wholeView(ids: ArrayLike<number>, originalSizes: Int32Array, size: number): ViewDraw {
  const draw = plainDraw(ids, originalSizes, size);
  for (let row = 0; row < ids.length; row++) {
    const [height, width] = [originalSizes[ids[row] * 2], originalSizes[ids[row] * 2 + 1]];
    setBox(draw, row, [0, 0, height, width], height, width);
  }
  return draw;
}

/** The decisions for the rows from `start` to `end - 1`; the arrays share memory with `draw`. */
export function sliceDraw(draw: ViewDraw, start: number, end: number): ViewDraw {
  return {
    count: end - start,
    size: draw.size,
    boxes: draw.boxes.subarray(start * 4, end * 4),
    squareBoxes: draw.squareBoxes.subarray(start * 4, end * 4),
    flip: draw.flip.subarray(start, end),
    jitter: draw.jitter.subarray(start, end),
    jitterOrder: draw.jitterOrder.subarray(start * 4, end * 4),
    jitterFactors: draw.jitterFactors.subarray(start * 4, end * 4),
    gray: draw.gray.subarray(start, end),
    blurSigma: draw.blurSigma.subarray(start, end),
    solarize: draw.solarize.subarray(start, end),
  };
}

/** Has a key of its own: views of before solarization was offered must stay as they are. */
function isSolarized(
  { seed, epoch, view }: ViewKey,
  id: number,
  { solarizeProbability: probability }: ViewOptions,
): boolean {
  if (probability === 0) return false;
  return new KeyedRandom(seed, purpose.solarize, epoch, id, view).uniform() < probability;
}

type Box = readonly [top: number, left: number, height: number, width: number];

/**
 * torchvision's `RandomResizedCrop.get_params`: ten attempts, then the largest central crop with an allowed aspect
 * ratio.
 */
function randomResizedCrop(random: KeyedRandom, height: number, width: number, options: ViewOptions): Box {
  const [least, most] = options.ratio;
  for (let attempt = 0; attempt < CROP_TRIES; attempt++) {
    const area = height * width * random.uniformIn(options.scale[0], options.scale[1]);
    const ratio = Math.exp(random.uniformIn(Math.log(least), Math.log(most)));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      return [random.integer(height - h + 1), random.integer(width - w + 1), h, w];
    }
  }
  if (width / height < least) return centralBox(height, width, Math.round(width / least), width);
  if (width / height > most) return centralBox(height, width, height, Math.round(height * most));
  return [0, 0, height, width];
}

function centralBox(height: number, width: number, h: number, w: number): Box {
  return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w];
}

/** Checks the arguments and returns decisions that change nothing. */
function plainDraw(ids: ArrayLike<number>, originalSizes: Int32Array, size: number): ViewDraw {
  const count = ids.length;
  for (let row = 0; row < count; row++) {
    if (!(originalSizes[ids[row] * 2] > 0 && originalSizes[ids[row] * 2 + 1] > 0)) {
      const known = originalSizes.length / 2;
      throw new SalmaskError(
        "bad-image-id",
        `Expected the ids of images whose size is known, of which there are ${known}, got id ${ids[row]}.`,
      );
    }
  }
  const boxes = new Int32Array(count * 4);
  const squareBoxes = new Float64Array(count * 4);
  const jitterOrder = Uint8Array.from({ length: count * 4 }, (_, i) => i % 4);
  const jitterFactors = Float64Array.from({ length: count * 4 }, (_, i) => (i % 4 === 3 ? 0 : 1));
  const [flip, jitter, gray] = [new Uint8Array(count), new Uint8Array(count), new Uint8Array(count)];
  const blurSigma = new Float64Array(count);
  const solarize = new Uint8Array(count);
  return {
    count,
    size,
    boxes,
    squareBoxes,
    flip,
    jitter,
    jitterOrder,
    jitterFactors,
    gray,
    blurSigma,
    solarize,
  };
}

function setBox(draw: ViewDraw, row: number, box: Box, height: number, width: number): void {
  const [top, left, h, w] = box;
  const { size } = draw;
  draw.boxes.set(box, row * 4);
  // Multiplies first: if the photo is as large as the square, the pixels stay whole numbers.
  const square = [(top * size) / height, (left * size) / width, (h * size) / height, (w * size) / width];
  draw.squareBoxes.set(square, row * 4);
}
