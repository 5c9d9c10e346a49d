import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython } from "./python.js";

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A script that imports torch, and what it gets. */
export interface PythonScript {
  readonly script: string;
  readonly args: readonly string[];
  /** Folders of modules besides the script's own. */
  readonly path?: readonly string[];
}

let socket: string | undefined;

/** Starts a process that has imported torch, which ends with this one. Returns the path of its socket. */
function serve(): string {
  const path = join(mkdtempSync(join(tmpdir(), "salmask-python-")), "socket");
  const server = spawn(findPython(), [fileOf("python_server.py"), path], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["pipe", "ignore", "inherit"],
  });
  server.unref();
  return path;
}

/** Runs a script in a fork of a process that has imported torch once. Returns its standard output; throws what it says where it fails. */
export function runPython({ script, args, path = [] }: PythonScript): string {
  socket ??= serve();
  const client = ["-I", "-S", fileOf("python_client.py"), socket, JSON.stringify({ script, args, path })];
  const { status, stdout, stderr, error } = spawnSync(findPython(), client, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${script} failed: ${error?.message ?? stderr}`);
  return stdout;
}
