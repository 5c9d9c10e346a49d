/** Runs commands of this package as processes. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const salmask = fileURLToPath(new URL("../../bin/salmask.js", import.meta.url));

export interface CallOptions {
  readonly signal: AbortSignal | undefined;
  /** Gets each line that the command writes. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs a command of this package in a process of its own; a stop interrupts it. If it fails, throws the last lines of its output; after a
 * stop, the signal's reason, and starts nothing.
 */
export async function call(
  args: readonly string[],
  { signal, onLine = () => {} }: CallOptions,
): Promise<void> {
  // A signal that is aborted already calls no listener: a stop that came as the command before this one ended would be lost.
  signal?.throwIfAborted();
  // In a separate process group: a terminal's interrupt must reach it once, through this process, and not twice.
  const child = spawn(process.execPath, [salmask, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout }).on("line", onLine);
  let said = "";
  child.stderr.on("data", (data) => {
    said = `${said}${data}`.slice(-4000);
  });
  const stop = () => void child.kill("SIGINT");
  signal?.addEventListener("abort", stop);
  process.once("exit", stop);
  try {
    const code = await new Promise<number | null>((done, fail) => child.on("close", done).on("error", fail));
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${lastMessage(said)}`);
  } finally {
    signal?.removeEventListener("abort", stop);
    process.off("exit", stop);
  }
}

/** The error message of our own commands, on one line; for other failures the last line. */
function lastMessage(said: string): string {
  const at = said.lastIndexOf("salmask: ");
  const lines = (at < 0 ? said : said.slice(at + 9)).trim().split("\n");
  return (at < 0 ? lines.at(-1) : lines[0]) ?? "";
}
