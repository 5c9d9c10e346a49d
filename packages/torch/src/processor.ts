import { readFileSync } from "node:fs";

/** The processor's features by their Linux names (`avx2`, `amx_bf16`); empty on other systems. */
export function cpuFlags(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
    return line === null ? [] : line[1].trim().split(/\s+/);
  } catch {
    return []; // not Linux
  }
}

/**
 * Whether the processor multiplies bfloat16 in hardware (AMX, or AVX-512 with BF16), so that training in bfloat16 is
 * faster than in float32, if libtorch has oneDNN. Other processors convert bfloat16 to float32 and back, which is slower. Loads nothing.
 */
export function cpuHasFastBfloat16(flags: readonly string[] = cpuFlags()): boolean {
  return flags.includes("amx_bf16") || flags.includes("avx512_bf16");
}
