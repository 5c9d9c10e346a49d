import { setFlagsFromString } from "node:v8";
import { isMainThread } from "node:worker_threads";
import { EngineError, whenLoaded } from "./native.js";

/**
 * Tunes the whole process for training; nothing else in this library changes the process. Call it once, on the main
 * thread and before the first tensor is made: once libtorch's threads exist, their way of waiting is fixed.
 *
 * - Memory of freed tensors is kept for new tensors, in at most two heaps for all threads.
 * - libtorch's threads wait for each other with short spins, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT is set.
 * - OpenBLAS's threads sleep as soon as a product is done, unless OPENBLAS_THREAD_TIMEOUT is set.
 * - V8 compiles on the main thread.
 *
 * Does not load libtorch. Throws {@link EngineError} `not-main-thread` in a worker.
 */
export function tuneProcess(): void {
  if (!isMainThread) {
    throw new EngineError(
      "not-main-thread",
      "Expected tuneProcess() on the main thread, got a call in a worker.",
    );
  }
  // Long spins delay a step when another process uses a core. Sleeping at once took 2.8 times as long on a quiet
  // machine (forward pass of a narrow ResNet). This value is between the two.
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= "4000";
  // After a product of its own threads they spin for some milliseconds, and took a tenth of the processor from libtorch's.
  process.env.OPENBLAS_THREAD_TIMEOUT ??= "4"; // the least, 2^4 cycles
  // The setting for freed memory would also keep memory that V8's compiler threads free, separately for each thread: a
  // process grew by 2 to 6 % in its first 1,000 training steps. On this thread the compiler reuses the memory of freed
  // tensors.
  setFlagsFromString("--no-concurrent-recompilation");
  whenLoaded((addon) => addon.keepFreedMemory());
}
