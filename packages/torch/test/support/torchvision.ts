import { execFileSync } from "node:child_process";
import { findPython } from "./python.js";

/** The compiled library of the torchvision that Python finds. */
export function torchvisionLibrary(): string {
  const script = "from importlib.util import find_spec as f; print(f('torchvision._C').origin)";
  return execFileSync(findPython(), ["-c", script], { encoding: "utf8" }).trim();
}
