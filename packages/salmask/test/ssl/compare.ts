import { fromTypedArray, type Tensor } from "@salmask/torch";
import type { HardNegatives } from "../../src/masking/hard-negatives.js";
import type { Comparison, Method } from "../../src/ssl/method.js";
import type { Progress } from "../../src/training/task.js";
import { wholeView } from "../../src/views/draw.js";
import type { BatchViews, View } from "../../src/views/view.js";

/** A batch of two given views of each photo, `[B, 3, H, W]` each. */
export function batchOf(
  query: Tensor,
  key: Tensor,
  negatives: HardNegatives | null = null,
  ids: Int32Array = Int32Array.from({ length: query.shape[0] }, (_, i) => i),
): BatchViews {
  const [, , height] = query.shape;
  const photos = Math.max(...ids) + 1;
  const draw = wholeView(ids, new Int32Array(2 * photos).fill(height), height);
  const view = (pixels: Tensor): View => ({
    clean: pixels,
    masked: pixels,
    draw,
    foreground: null,
    mask: null,
  });
  return { key: { seed: 0, epoch: 0, ids }, views: [view(query), view(key)], negatives };
}

/** Hard negatives of `batch` queries; all count in the loss, unless `valid` [M * B] excludes some. */
export function negativesOf(
  pixels: Tensor,
  batch: number,
  rows: Int32Array | null = null,
  valid: readonly number[] = new Array((rows ?? { length: pixels.shape[0] }).length).fill(1),
): HardNegatives {
  if (valid.length % batch !== 0)
    throw new RangeError(`expected negatives for ${batch} queries, got ${valid.length}`);
  return { pixels, rows, valid: fromTypedArray(Uint8Array.from(valid), [valid.length], { dtype: "bool" }) };
}

/** A method's result for one batch, with one comparison of its sources. */
/** The place of a step in an epoch of a hundred, in a run of ten. */
export const atStep = (step: number): Progress => ({
  step,
  epoch: Math.floor(step / 100),
  stepsPerEpoch: 100,
  epochs: 10,
});

export function compare(method: Method, batch: BatchViews, step = 0): Comparison {
  return method.against(batch, atStep(step))(sourcesOf(method, batch));
}

/** The pixels of a method's source views, `[B, 3, H, W]` each. */
export function sourcesOf(method: Method, { views }: BatchViews): Tensor[] {
  return method.sources(views).map(({ masked }) => masked);
}
