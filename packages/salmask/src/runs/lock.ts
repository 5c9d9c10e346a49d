import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { UsageError } from "../base/errors.js";

/** The paths of the locks that this process holds. */
const held = new Set<string>();

/** A file that shows which process uses a folder. */
export class Lock {
  private constructor(private readonly path: string) {
    held.add(path);
  }

  /** Takes the lock. A lock of a process that no longer exists is taken over. Throws {@link UsageError} `run-in-use`. */
  static take(at: string): Lock {
    const path = resolve(at);
    for (;;) {
      try {
        const file = openSync(path, "wx");
        try {
          writeSync(file, `${process.pid} ${hostname()}\n`);
        } finally {
          closeSync(file);
        }
        return new Lock(path);
      } catch (error) {
        if (!(error instanceof Error) || !("code" in error) || error.code !== "EEXIST") throw error;
      }
      refuseWhereHeld(path);
      rmSync(path, { force: true });
    }
  }

  release(): void {
    held.delete(this.path);
    rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function refuseWhereHeld(path: string): void {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return; // It was released in the meantime.
  }
  const [pid, host] = text.trim().split(" ");
  const isElsewhere = host !== undefined && host !== hostname();
  if (!isElsewhere && !isHeldBy(Number(pid), path)) return;
  const mend = isElsewhere
    ? `If it is gone, remove ${path}.`
    : `Wait for it, or choose another --out. If that process is no run, remove ${path}.`;
  throw new UsageError(
    "run-in-use",
    `Expected a run's folder that nobody else uses, got one that process ${pid}${isElsewhere ? ` on ${host}` : ""} writes to. ${mend}`,
  );
}

function isHeldBy(pid: number, path: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  // In a container, a dead process may have had the same number as this one.
  if (pid === process.pid) return held.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
