import { readFileSync } from "node:fs";

/** What the processor can do, as Linux names it (`avx2`, `amx_bf16`); nothing where Linux does not say. */
export function cpuFlags(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
    return line === null ? [] : line[1].trim().split(/\s+/);
  } catch {
    return []; // not Linux
  }
}

/**
 * Whether the processor multiplies bfloat16 in hardware (AMX, or AVX-512's BF16), so that training in it is faster than in
 * float32. Elsewhere bfloat16 is converted to float32 and back, and slower. Loads nothing.
 */
export function cpuHasFastBfloat16(flags: readonly string[] = cpuFlags()): boolean {
  return flags.includes("amx_bf16") || flags.includes("avx512_bf16");
}
