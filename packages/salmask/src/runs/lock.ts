import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
    while (!create(path)) {
      if (stateOf(path) !== "left") continue;
      // Of two processes that found the same lock left, the slower one would remove the faster one's new lock.
      using _taking = Lock.take(`${path}.taking`);
      if (stateOf(path) === "left") rmSync(path, { force: true });
    }
    return new Lock(path);
  }

  /** Lets other processes use the folder. */
  release(): void {
    held.delete(this.path);
    rmSync(this.path, { force: true });
  }

  /** Releases at the end of a block that declares the lock with `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** Makes the file with this process's number in it, both at once; false where the file exists. */
function create(path: string): boolean {
  const owner = `${process.pid} ${hostname()}\n`;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, owner);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return createWithoutLinks(path, owner);
}

/** For file systems that have no hard links, such as exFAT: another process may see the file before its text. */
function createWithoutLinks(path: string, owner: string): boolean {
  try {
    writeFileSync(path, owner, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** `left`: by a process that has ended. `gone`: released by now. Throws {@link UsageError} where a process holds it. */
function stateOf(path: string): "left" | "gone" {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "gone";
    throw error;
  }
  const [pid, host] = text.trim().split(" ");
  const isElsewhere = host !== undefined && host !== hostname();
  if (!isElsewhere && !isHeldBy(Number(pid), path)) return "left";
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
