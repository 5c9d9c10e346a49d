/** Asks V8 to collect garbage, so that the memory of a long run stays where it was. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A collection takes some hundredths of a second. */
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
 * Collects all garbage, unless that was done in the last ten seconds. V8 waits until its heap has grown before it looks at old
 * objects, and every collection that it puts off lets it wait for longer: a run of many hours would grow by some percent.
 */
export function collectGarbage(): void {
  if (performance.now() - last < millisecondsBetween) return;
  collector ??= findCollector();
  collector();
  last = performance.now();
}
