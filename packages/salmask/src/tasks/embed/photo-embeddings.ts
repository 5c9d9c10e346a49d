import type { Tensor } from "@salmask/torch";
import type { SkippedImage } from "../../data/sources/image-source.js";

/** What an encoder makes of photos: one vector per photo. Whoever gets them disposes of them. */
export interface PhotoEmbeddings extends Disposable {
  /** Absolute path of the folder or archive with the photos. */
  readonly source: string;
  /** `[N]`, of the photos, relative to the source, with `/`. */
  readonly paths: readonly string[];
  /** The encoder's pooled features, float32 `[N, d]` on the host; none is NaN or infinite. */
  readonly vectors: Tensor;
  /** Photos and other pictures that have no vector, with the reason. */
  readonly skipped: readonly SkippedImage[];
  /** SHA-256 of the encoder's file of weights. */
  readonly weights: string;
  /** Side in pixels of the squares to which photos were stretched before the encoder's central crop was taken. */
  readonly size: number;
}
