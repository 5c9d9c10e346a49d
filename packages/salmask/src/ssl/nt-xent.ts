import { fromTypedArray, full, ops, type Tensor } from "@salmask/torch";
import type { EmbeddedNegatives } from "../masking/hard-negatives.js";
import { hardLogits } from "./hard-logits.js";

export interface NtXentInputs {
  /** `[B, dim]`, rows of length one: the first view of each photo. */
  first: Tensor;
  /** `[B, dim]`, rows of length one: the second view of each photo. */
  second: Tensor;
  /** Negatives of each photo, for its first view only; null if the run has none. */
  negatives: EmbeddedNegatives | null;
}

/**
 * NT-Xent (Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", equation 1): for
 * each of the 2B views, the task is to find the photo's other view among all other views. A hard negative is one more
 * column `exp(rho z.h / t)` in the row of its own photo's first view. Returns the mean loss `[]` over the 2B rows, and
 * the share `[]` of first views whose nearest view is their second view, without hard negatives.
 */
export function ntXent(
  { first, second, negatives }: NtXentInputs,
  options: { temperature: number; weight: number },
): { loss: Tensor; contrastAccuracy: Tensor } {
  const [batch] = first.shape;
  const { device } = first;
  const rows = 2 * batch;
  const views = ops.cat([first, second]); // [2B, dim]
  const itself = fromTypedArray(identity(rows), [rows, rows], { dtype: "bool", device }); // [2B, 2B]
  const similarities = views.matmul(views.t()).maskedFill(itself, Number.NEGATIVE_INFINITY); // [2B, 2B]
  const columns = [similarities];
  if (negatives !== null) {
    const hard = hardLogits(first, negatives, options.weight); // [B, M]
    const none = full([batch, hard.shape[1]], Number.NEGATIVE_INFINITY, { device }); // [B, M]
    columns.push(ops.cat([hard, none])); // [2B, M]
  }
  const logits = ops.cat(columns, { dim: 1 }).div(options.temperature); // [2B, 2B + M]
  const partner = Int32Array.from({ length: rows }, (_, i) => (i + batch) % rows);
  const target = fromTypedArray(partner, [rows], { device }).to({ dtype: "int64" }); // [2B]
  const loss = ops.crossEntropyLoss(logits, target); // []
  const nearest = similarities.detach().narrow(0, 0, batch).argmax({ dim: 1 }); // [B]
  const contrastAccuracy = nearest
    .eq(target.narrow(0, 0, batch))
    .toCopy({ dtype: "float32" })
    .mean(); // []
  return { loss, contrastAccuracy };
}

function identity(side: number): Uint8Array {
  const values = new Uint8Array(side * side);
  for (let i = 0; i < side; i++) values[i * side + i] = 1;
  return values;
}
