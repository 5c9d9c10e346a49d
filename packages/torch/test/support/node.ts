import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";

/** The folder of the package. */
export const packageRoot = resolve(import.meta.dirname, "../..");

/** The compiled library, as other packages import it. */
export const compiled = pathToFileURL(join(packageRoot, "dist/index.js")).href;

/** The addon that the tests are run with. */
export const addon = resolve(
  process.env.SALMASK_TORCH_BUILD ?? join(packageRoot, "build"),
  "salmask_torch.node",
);

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "salmask-torch-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The text on standard output. */
  out: string;
  /** The text on standard error. */
  said: string;
}

/** Runs Node in a separate process. Returns its output and how it ended. */
export function node(args: readonly string[], env: Record<string, string | undefined> = {}): Ended {
  const preload = process.env.SALMASK_TEST_PRELOAD; // the sanitizers' runtime, if they are enabled
  const child = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, LD_PRELOAD: preload, ...env },
  });
  return { code: child.status, signal: child.signal, out: child.stdout, said: child.stderr };
}

/** Runs a script that writes its answer as JSON to standard output. `torch` is the compiled library. Returns the answer. */
export function answerOf<T>(script: string, env: Record<string, string | undefined> = {}): T {
  const { code, signal, out, said } = node(
    ["--input-type=module", "-e", `const torch = await import(${JSON.stringify(compiled)});\n${script}`],
    env,
  );
  if (code !== 0) throw new Error(`expected the script to end with 0, got ${signal ?? code}: ${said}`);
  return JSON.parse(out);
}
