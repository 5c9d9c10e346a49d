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

/** libtorch's version, such as `1.13.0`. */
export function libtorchVersion(): string {
  return native.version();
}
