import { native } from "./native.js";

/** Threads that one operator may use. Starts at OMP_NUM_THREADS, or the number of cores. */
export function getNumThreads(): number {
  return native.getNumThreads();
}

export function setNumThreads(threads: number): void {
  native.setNumThreads(threads);
}

/** Whether this libtorch has CUDA and a device is there. */
export function hasCuda(): boolean {
  return native.hasCuda();
}

/**
 * Whether cuDNN times its ways to compute a convolution when it meets new shapes, and keeps to the fastest. Pays where
 * shapes repeat, as in training. Without CUDA nothing changes.
 */
export function setCudnnBenchmark(on: boolean): void {
  native.setCudnnBenchmark(on);
}

/** libtorch's version, such as `1.13.0`. */
export function libtorchVersion(): string {
  return native.version();
}
