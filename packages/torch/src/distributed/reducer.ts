import { native } from "../native.js";
import type { Tensor } from "../tensor.js";
import type { ProcessGroup } from "./process-group.js";
import { expectWhole } from "./tcp-store.js";

/** What a {@link Reducer} reduces. */
export interface ReducerOptions {
  /** Leaves that require a gradient, in the order in which the network uses them, the same on all ranks. */
  parameters: readonly Tensor[];
  /** The parameters' names, for messages of libtorch. */
  names?: readonly string[];
  group: ProcessGroup;
  /** The size of the buckets in which gradients are sent. Default: 25 MiB. */
  bucketBytes?: number;
  /** The size of the bucket that is sent first: a small one starts early. Default: 1 MiB. */
  firstBucketBytes?: number;
}

/**
 * c10d's reducer of gradients, as in PyTorch's `DistributedDataParallel`: after a backward pass that {@link prepareForBackward} preceded,
 * the gradient of every parameter is its mean over ranks. Gradients are sent in buckets while the pass still computes others.
 *
 * - A parameter that got no gradient counts as 0 on that rank; one that got none on any rank has none afterwards.
 * - Gradients that are there before, from passes without reduction, are reduced with the new ones. A pass that is reduced twice is right
 *   too: the mean of equal means is the same mean.
 * - Gradients become views of the buckets. They can be read, changed in place, and dropped as any; the next pass overwrites those that
 *   are kept elsewhere.
 * - It refers to the layout that the parameters have when it is made: move the network to its device before.
 */
export class Reducer {
  readonly #group: ProcessGroup;
  #handle: number;

  constructor({
    parameters,
    names = [],
    group,
    bucketBytes = 25 * 2 ** 20,
    firstBucketBytes = 2 ** 20,
  }: ReducerOptions) {
    if (parameters.length === 0)
      throw new RangeError("Expected parameters to reduce the gradients of, got none.");
    if (new Set(parameters).size < parameters.length)
      throw new RangeError("Expected each parameter once, got one twice.");
    if (names.length > 0 && names.length !== parameters.length)
      throw new RangeError(
        `Expected ${parameters.length} names, as there are parameters, got ${names.length}.`,
      );
    const frozen = parameters.findIndex((parameter) => !parameter.requiresGrad || !parameter.isLeaf);
    if (frozen >= 0)
      throw new RangeError(
        `Expected parameters that are leaves and require a gradient, got ${names[frozen] ?? `number ${frozen}`}, which does not.`,
      );
    expectWhole("bucketBytes", bucketBytes, 1, Number.MAX_SAFE_INTEGER);
    expectWhole("firstBucketBytes", firstBucketBytes, 1, Number.MAX_SAFE_INTEGER);
    this.#group = group;
    this.#handle = native.reducerCreate(
      parameters.map((parameter) => parameter.handle),
      names,
      group.handle,
      firstBucketBytes,
      bucketBytes,
    );
  }

  /**
   * Call it before each `backward`, on all ranks. With `sync: false` the pass only adds to the gradients of this rank (`no_sync` in
   * PyTorch), and the next pass with `sync`, or {@link reduce}, reduces them. The loss has to be one whose gradients all ranks want in
   * this pass.
   */
  prepareForBackward({ sync = true }: { sync?: boolean } = {}): void {
    if (sync) native.reducerPrepare(this.#live());
  }

  /** Reduces the gradients that passes without reduction have left, at once. */
  reduce(): void {
    const handle = this.#live();
    try {
      native.reducerReduce(handle);
    } catch (error) {
      throw this.#group.hasFailed ? this.#group.explain("the reduction of gradients", error) : error;
    }
  }

  /** Stops reducing. The gradients stay. A second call has no effect. */
  dispose(): void {
    if (this.#handle === 0) return;
    native.reducerRelease(this.#handle);
    this.#handle = 0;
  }

  /** Stops reducing at the end of a block that declares it with `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): number {
    if (this.#handle === 0) throw new Error("Expected a live reducer, got one that was disposed.");
    return this.#handle;
  }
}
