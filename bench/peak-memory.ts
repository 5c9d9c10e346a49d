import { processMemory } from "../packages/salmask/src/base/process-memory.js";

/** Peak resident memory of this process so far, MiB. */
export const peakMemory = (): number => (processMemory("VmHWM") ?? Number.NaN) / 2 ** 20;
