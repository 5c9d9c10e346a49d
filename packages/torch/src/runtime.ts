import { native } from "./native.js";

/** The number of threads that one operator can use. The initial value is OMP_NUM_THREADS, or the number of cores. */
export function getNumThreads(): number {
  return native.getNumThreads();
}

export function setNumThreads(threads: number): void {
  native.setNumThreads(threads);
}

/** Whether this libtorch supports CUDA and finds a device. */
export function hasCuda(): boolean {
  return native.hasCuda();
}

/**
 * Whether cuDNN times its convolution algorithms at each new shape and keeps the fastest. This is faster if shapes
 * repeat, as in training. Has no effect without CUDA.
 */
export function setCudnnBenchmark(on: boolean): void {
  native.setCudnnBenchmark(on);
}

/** libtorch's version, such as `1.13.0`. */
export function libtorchVersion(): string {
  return native.version();
}
