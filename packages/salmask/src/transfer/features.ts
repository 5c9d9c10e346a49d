/** Features of whole splits, kept in memory: other seeds and label budgets need not look at the same photos again. */
import { fromTypedArray, keep, scope, type Tensor } from "@salmask/torch";
import type { PackedDataset } from "../data/store/dataset.js";
import { type KnownFeatures, labelledFeatures } from "../tasks/probe/score.js";

/** What is kept at most, in bytes of float32. */
const mostBytes = 2 ** 30;

export class Features implements Disposable {
  /** The oldest first. */
  private readonly kept = new Map<string, Tensor>();

  /** Gives the features of an encoder, of which `encoder` is the identity: kept ones, or else computed. */
  lookWith(encoder: string): typeof labelledFeatures {
    return async (backbone, { dataset, ids }, options) => {
      const key = JSON.stringify([encoder, dataset.fingerprint, dataset.size, options.crop]);
      const known = this.kept.get(key);
      if (known !== undefined) {
        options.onProgress?.({ done: ids?.length ?? dataset.length, total: ids?.length ?? dataset.length });
        return selected(known, dataset, ids);
      }
      const isWhole = ids === undefined || ids.length === dataset.length;
      const bytes = 4 * dataset.length * backbone.outChannels;
      if (!isWhole || bytes > mostBytes) return labelledFeatures(backbone, { dataset, ids }, options);
      // Known labels are in ascending order, so that all of them are all photos in their order.
      const { features } = await labelledFeatures(backbone, { dataset }, options); // [N, outChannels]
      this.makeRoom(bytes);
      this.kept.set(key, features);
      return selected(features, dataset, ids);
    };
  }

  private makeRoom(bytes: number): void {
    const bytesOf = (tensor: Tensor) => 4 * tensor.shape.reduce((product, side) => product * side, 1);
    let total = [...this.kept.values()].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
    for (const [key, tensor] of this.kept) {
      if (total + bytes <= mostBytes) return;
      total -= bytesOf(tensor);
      tensor.dispose();
      this.kept.delete(key);
    }
  }

  [Symbol.dispose](): void {
    for (const tensor of this.kept.values()) tensor.dispose();
    this.kept.clear();
  }
}

/** Some rows of a split's features, in a tensor of their own. */
function selected(features: Tensor, { labels }: PackedDataset, ids: Int32Array | undefined): KnownFeatures {
  if (ids === undefined) return { features, labels, [Symbol.dispose]: () => {} };
  const rows = scope(() =>
    keep(features.indexSelect(0, fromTypedArray(ids, [ids.length]).toCopy({ dtype: "int64" }))),
  ); // [ids, outChannels]
  return {
    features: rows,
    labels: Int32Array.from(ids, (id) => labels[id]),
    [Symbol.dispose]: () => rows.dispose(),
  };
}
