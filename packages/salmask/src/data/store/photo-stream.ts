import type { SkippedImage } from "../sources/image-source.js";

/** Says that photos are no longer needed. A second call has no effect. */
export type Release = () => void;

/** What the order of an epoch is a function of. */
export interface OrderKey {
  readonly seed: number;
  readonly epoch: number;
  /** Photos of a step, of all ranks together. */
  readonly batchSize: number;
}

/** Photos that are read and decoded when they are needed. `images` of their data set gives those that are held. */
export interface PhotoStream {
  /** The order of an epoch: `[N]`, each photo once. */
  order(key: OrderKey): Int32Array;
  /**
   * Holds the photos of the next step, `[B]`, of the order that was asked for last; those of later steps are read and decoded meanwhile
   * unless `isLast`. A step elsewhere in the order may be asked for too: reading begins there then. Throws a DataError where photos
   * cannot be read.
   */
  follow(ids: Int32Array, isLast: boolean): Promise<Release>;
  /** Holds any photos, `[n]`. */
  fetch(ids: Int32Array): Promise<Release>;
  /** A folder for files that are larger than memory and of use to this process alone. */
  readonly scratch: string;
  /** Photos that could not be decoded so far. Each is replaced by another one, always the same. */
  readonly broken: readonly SkippedImage[];
  /** Ends all reading and decoding. */
  settle(): Promise<void>;
}
