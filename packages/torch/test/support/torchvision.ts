import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findPython } from "./python.js";

/**
 * The compiled library of the torchvision that Python finds; null if that library cannot be loaded without Python, as those of
 * pip since libtorch 2.
 */
export function torchvisionLibrary(): string | null {
  const script = "from importlib.util import find_spec as f; print(f('torchvision._C').origin)";
  const path = execFileSync(findPython(), ["-c", script], { encoding: "utf8" }).trim();
  if (!readFileSync(path).includes("libtorch_python.so")) return path;
  console.warn(`skipped: ${path} cannot be loaded without Python`);
  return null;
}
