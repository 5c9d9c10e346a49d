/** The resampling of resample.ts by two batched products with matrices, for devices other than a CPU. */
import { arange, type Tensor, zeros } from "@salmask/torch";
import { type BothAxes, type Filter, type Taps, tapsOf } from "./taps.js";

/** As `resample`, on any device. */
export function resampleByProducts(
  images: Tensor,
  { vertical, horizontal }: BothAxes,
  [height, width]: readonly [height: number, width: number],
  filter: Filter,
): Tensor {
  const [count, channels, fromHeight, fromWidth] = images.shape;
  const rows = matrices(tapsOf(vertical, fromHeight, height, filter, images.device), fromHeight); // [B, height, H]
  const columns = matrices(tapsOf(horizontal, fromWidth, width, filter, images.device), fromWidth); // [B, width, W]
  const narrow = images.reshape([count, channels * fromHeight, fromWidth]).bmm(columns.transpose(1, 2)); // [B, C H, width]
  return rows.unsqueeze(1).matmul(narrow.view([count, channels, fromHeight, width])); // [B, C, height, width]
}

/** `[B, outputs, inputs]`, float32. */
function matrices({ starts, weights }: Taps, inputs: number): Tensor {
  const [count, outputs, taps] = weights.shape;
  const { device } = weights;
  const index = starts
    .unsqueeze(2)
    .to({ dtype: "int64" })
    .add(arange(0, taps, { device })); // [B, outputs, taps]
  return zeros([count, outputs, inputs], { device }).scatter(2, index, weights);
}
