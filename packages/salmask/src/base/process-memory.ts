import { readFileSync } from "node:fs";

/**
 * `VmRSS`: resident now; `VmHWM`: most resident so far; `RssAnon`: the part of VmRSS that is no file's; `VmSwap`: swapped out
 * (Linux, proc(5)).
 */
export type ProcessMemory = "VmRSS" | "VmHWM" | "RssAnon" | "VmSwap";

/** Memory of a process in bytes, by default of this one; null where the process has ended or the system does not say it. */
export function processMemory(which: ProcessMemory, pid: number | "self" = "self"): number | null {
  try {
    const kibibytes = new RegExp(`^${which}:\\s+(\\d+) kB`, "m").exec(
      readFileSync(`/proc/${pid}/status`, "utf8"),
    )?.[1];
    return kibibytes === undefined ? null : 1024 * Number(kibibytes);
  } catch {
    return null;
  }
}
