import { spawnSync } from "node:child_process";

// Finding a module is much faster than importing it.
const hasBoth =
  "import sys; from importlib.util import find_spec as f; sys.exit(not (f('torch') and f('torchvision')))";

function importsTorch(python: string): boolean {
  return spawnSync(python, ["-c", hasBoth], { stdio: "ignore" }).status === 0;
}

let python: string | undefined;

/** A Python with torch and torchvision: SALMASK_PYTHON, python3 on the PATH, or that of the distribution. */
export function findPython(): string {
  const candidates = process.env.SALMASK_PYTHON
    ? [process.env.SALMASK_PYTHON]
    : ["python3", "/usr/bin/python3"];
  python ??= candidates.find(importsTorch);
  if (python === undefined) {
    throw new Error(
      `Expected a Python that imports torch and torchvision; tried ${candidates.join(", ")}. ` +
        "On Debian: apt-get install python3-torch python3-torchvision. Elsewhere: set SALMASK_PYTHON",
    );
  }
  return python;
}
