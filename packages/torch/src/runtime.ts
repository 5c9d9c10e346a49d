import { native, oneDnnBound } from "./native.js";

/** The number of threads that one operator can use. The initial value is OMP_NUM_THREADS, or the number of cores. */
export function getNumThreads(): number {
  return native.getNumThreads();
}

/** Sets the number of threads that one operator can use, at least 1. */
export function setNumThreads(threads: number): void {
  native.setNumThreads(threads);
}

/** Whether this libtorch supports CUDA and finds a device. */
export function hasCuda(): boolean {
  return native.hasCuda();
}

/**
 * On: operators use algorithms that give the same bits each time, where libtorch has one, and on a GPU always the same
 * algorithm for a shape. Off: cuDNN times its algorithms at each new shape and keeps the fastest. As libtorch begins, it
 * does neither.
 */
export function setDeterministic(on: boolean): void {
  native.setDeterministic(on);
}

/**
 * Whether libtorch computes convolutions with oneDNN. Where it gets some wrong on this processor it was switched off when libtorch was loaded,
 * with a warning `onednn-wrong`; this happens with Debian 13's libtorch on some virtual machines.
 */
export function usesOneDnn(): boolean {
  return native.checkOneDnn(oneDnnBound) === "right";
}

/** libtorch's version, such as `1.13.0`. */
export function libtorchVersion(): string {
  return native.version();
}

/**
 * Gives memory of the heap that nothing uses to the system. The heaps of threads grow whenever another thread has much to do for once, and
 * keep what they got.
 */
export function returnFreedMemory(): void {
  native.returnFreedMemory();
}
