/** Keeps the memory of a long run where it was. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { returnFreedMemory } from "@salmask/torch";

/** It takes some hundredths of a second. */
const millisecondsBetween = 10_000;

let last = Number.NEGATIVE_INFINITY;
let collector: (() => unknown) | null = null;

/** V8's own `gc`, which is only there once its flag is set, and only in contexts that are made after that. */
function findCollector(): () => unknown {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("gc");
  return typeof found === "function" ? () => found() : () => undefined;
}

/**
 * Collects garbage and gives the system what is free, unless that was done in the last ten seconds. V8 puts collections off for longer and
 * longer, and each thread's heap keeps the most that it ever held: a run of many hours would grow by some percent.
 */
export function spareMemory(): void {
  if (performance.now() - last < millisecondsBetween) return;
  collector ??= findCollector();
  collector();
  returnFreedMemory();
  last = performance.now();
}
