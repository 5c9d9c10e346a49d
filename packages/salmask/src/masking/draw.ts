/** Draws every decision of a mask on the host, image by image, before any pixel is changed. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { drawCells, type MaskAmount, type MaskRole } from "./cells.js";
import type { Grid } from "./grid.js";

/** Identifies a view's decisions; together with an image's id it is the key of that image's random stream. */
export interface MaskKey {
  readonly seed: number;
  readonly epoch: number;
  /** `[B]`: the images' numbers in the data set. */
  readonly ids: ArrayLike<number>;
  /** The number of the masked view of an image: 0 the query, 1 the key, from 2 the hard negatives. */
  readonly view: number;
}

/** Probabilities of masks other than the same cells in all three channels. */
export interface MaskShapes {
  /** Probability of a window instead of cells. */
  readonly focal: number;
  /** Probability, if there is no window, of separate cells for each channel. */
  readonly channelwise: number;
}

/** A rectangle in pixels of the crop. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** The masks of B images. */
export interface MaskDraw {
  readonly role: MaskRole;
  /** 3 if masks can differ between channels, otherwise 1. */
  readonly channels: 1 | 3;
  /** `[B, channels, rows, cols]`: 1 for masked cells; zeros for an image with a window. */
  readonly cells: Uint8Array;
  /** `[B]`: a positive is masked outside its window, a negative inside. Null if cells are masked. */
  readonly windows: readonly (Window | null)[];
  /** `[B]`: share of each image's values that is masked, 0 to 1. */
  readonly maskedShare: Float64Array;
  /** `[B]`: 0 if a negative has nothing to lose and stays unmasked. */
  readonly valid: Uint8Array;
}

export interface MaskDrawOptions extends Omit<MaskAmount, "ratio"> {
  readonly role: MaskRole;
  /** The ratio is drawn uniformly between these two, each in [0, 1]. */
  readonly ratio: readonly [number, number];
  readonly shapes: MaskShapes;
}

/** Sides of the windows as shares of the crop's side; 200 and 130 of 224 pixels in the released code. */
const windowSide: Record<MaskRole, number> = { positive: 200 / 224, negative: 130 / 224 };

/**
 * Draws one mask per image. The mask of an image depends only on its own key and foreground, not on its batch.
 *
 * @param foreground `[B * rows * cols]`, 1 for cells of the object
 */
export function drawMasks(
  foreground: Uint8Array,
  key: MaskKey,
  grid: Grid,
  options: MaskDrawOptions,
): MaskDraw {
  const { role, ratio, shapes, ...division } = options;
  const batch = key.ids.length;
  const size = grid.rows * grid.cols;
  const channels = shapes.channelwise > 0 ? 3 : 1;
  const cells = new Uint8Array(batch * channels * size);
  const windows: (Window | null)[] = [];
  const maskedShare = new Float64Array(batch);
  const valid = new Uint8Array(batch).fill(1);
  for (let i = 0; i < batch; i++) {
    const random = new KeyedRandom(key.seed, purpose.maskMode, key.epoch, key.ids[i], key.view);
    const drawnRatio = random.uniformIn(ratio[0], ratio[1]);
    const focal = random.uniform() < shapes.focal;
    const redrawn = random.uniform() < shapes.channelwise;
    const object = foreground.subarray(i * size, (i + 1) * size);
    const own = cells.subarray(i * channels * size, (i + 1) * channels * size);
    const losable = losableCells(object, division.what);
    if (role === "negative" && !(object.includes(1) && losable.includes(1))) {
      valid[i] = 0;
      windows.push(null);
    } else if (focal && !(role === "negative" && division.what === "background")) {
      const window = drawWindow(random, role, role === "negative" ? losable : object, grid);
      windows.push(window);
      maskedShare[i] = windowShare(window, role, grid);
    } else {
      const choice = new KeyedRandom(key.seed, purpose.cells, key.epoch, key.ids[i], key.view);
      for (let c = 0; c < channels; c++) {
        const plane = own.subarray(c * size, (c + 1) * size);
        if (c === 0 || redrawn) drawCells(choice, role, object, { ...division, ratio: drawnRatio }, plane);
        else plane.set(own.subarray(0, size));
      }
      windows.push(null);
      maskedShare[i] = own.reduce((sum, masked) => sum + masked, 0) / own.length;
    }
  }
  return { role, channels, cells, windows, maskedShare, valid };
}

/** The cells that a negative may lose: 1 for these. No window fits the background of a crop, so cells are drawn there. */
function losableCells(object: Uint8Array, what: MaskAmount["what"] = "object"): Uint8Array {
  if (what === "object") return object;
  return object.map((inside) => (what === "random" ? 1 : 1 - inside));
}

/**
 * A window on the object. Its centre is the foreground cell nearest to the foreground's centroid, because that cell is
 * inside an object of any shape. It is moved by up to half a cell and kept inside the crop. If a map does not have both
 * foreground and background, the position is unknown and the window is placed at random.
 */
function drawWindow(random: KeyedRandom, role: MaskRole, object: Uint8Array, grid: Grid): Window {
  const crop = { height: grid.rows * grid.cell, width: grid.cols * grid.cell };
  const height = Math.round(windowSide[role] * crop.height);
  const width = Math.round(windowSide[role] * crop.width);
  const slack = { top: crop.height - height, left: crop.width - width };
  if (!object.includes(1) || !object.includes(0)) {
    return { top: random.integer(slack.top + 1), left: random.integer(slack.left + 1), height, width };
  }
  const centre = centralCell(object, grid);
  const place = (cell: number, side: number, most: number) => {
    const middle = (cell + random.uniform()) * grid.cell;
    return Math.min(most, Math.max(0, Math.round(middle - side / 2)));
  };
  return {
    top: place(centre.row, height, slack.top),
    left: place(centre.col, width, slack.left),
    height,
    width,
  };
}

/** The foreground cell nearest to the centroid of the foreground. */
function centralCell(object: Uint8Array, { cols }: Grid): { row: number; col: number } {
  const inside: { row: number; col: number }[] = [];
  for (const [cell, on] of object.entries())
    if (on === 1) inside.push({ row: Math.floor(cell / cols), col: cell % cols });
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const row = mean(inside.map((cell) => cell.row));
  const col = mean(inside.map((cell) => cell.col));
  const distance = (cell: { row: number; col: number }) => (cell.row - row) ** 2 + (cell.col - col) ** 2;
  return inside.reduce((best, cell) => (distance(cell) < distance(best) ? cell : best));
}

function windowShare({ height, width }: Window, role: MaskRole, grid: Grid): number {
  const inside = (height * width) / (grid.rows * grid.cols * grid.cell ** 2);
  return role === "positive" ? 1 - inside : inside;
}
