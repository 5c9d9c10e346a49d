import { fromTypedArray, KeyedRandom } from "@salmask/torch";
import type { PackedDataset } from "./dataset.js";

/** Photos of random noise in memory, squares of `size` pixels: what a step costs does not depend on what they show. */
export function noisePhotos(length: number, size: number, classes: readonly string[] = []): PackedDataset {
  const random = new KeyedRandom(0);
  const bytes = 3 * size * size;
  const photo = Uint8Array.from({ length: bytes }, () => random.integer(256));
  return {
    length,
    size,
    classes,
    labels: Int32Array.from({ length }, (_, i) => (classes.length === 0 ? -1 : i % classes.length)),
    names: Array.from({ length }, (_, i) => `${i}.jpg`),
    originalSizes: new Int32Array(2 * length).fill(size),
    skipped: [],
    path: "",
    fingerprint: "",
    sourceStamp: "",
    images(ids) {
      const all = new Uint8Array(ids.length * bytes);
      for (let i = 0; i < ids.length; i++) all.set(photo, i * bytes);
      return fromTypedArray(all, [ids.length, 3, size, size]); // [B, 3, S, S]
    },
    close() {},
  };
}
