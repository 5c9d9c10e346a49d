import { readFileSync } from "node:fs";

/** Peak resident memory of this process so far, MiB. */
export const peakMemory = (): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
