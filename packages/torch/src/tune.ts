import { setFlagsFromString } from "node:v8";
import { isMainThread } from "node:worker_threads";
import { EngineError, whenLoaded } from "./native.js";

/**
 * Tunes the whole process for training; nothing else changes it. To be called once, on the main thread and before the first
 * tensor is made: afterwards libtorch's threads are there and wait as they were told.
 *
 * - Memory that tensors free is kept for the next ones.
 * - libtorch's threads wait for each other by short spins, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT is set.
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
  // Long spins stall a step when anything else uses a core; sleeping at once took 2.8 times as long on a quiet machine (a
  // narrow ResNet's forward pass). This is between the two.
  if (process.env.OMP_WAIT_POLICY === undefined) process.env.GOMP_SPINCOUNT ??= "4000";
  // Memory that V8's compiling threads free would be kept as well, each thread's for itself alone: a process grew by
  // 2 to 6 % over its first 1,000 training steps. Compiled on this thread, the code takes what tensors left.
  setFlagsFromString("--no-concurrent-recompilation");
  whenLoaded((addon) => addon.keepFreedMemory());
}
