// Which Debian packages a purpose needs, and which of them are missing.
import { spawnSync } from "node:child_process";

/**
 * @param {"run" | "test" | "bench"} purpose
 * @param {{ hasLibtorch: boolean }} machine whether a libtorch other than the distribution's will be used
 */
export function neededPackages(purpose, { hasLibtorch }) {
  const build = hasLibtorch ? ["g++"] : ["g++", "libtorch-dev", "libgloo-dev", "libopenblas0-pthread"];
  if (purpose === "run" || hasLibtorch) return build;
  const browser = purpose === "test" ? ["chromium"] : [];
  return [...build, "python3-torch", "python3-torchvision", "python3-pil", ...browser];
}

/** The packages that are not installed. */
export function missingPackages(names) {
  // `dpkg-query -l` prints a line `ii  name:arch  version ...` for each installed package, and reports the others as
  // errors.
  const { stdout } = spawnSync("dpkg-query", ["-l", ...names], { encoding: "utf8" });
  const installed = new Set(Array.from(stdout.matchAll(/^ii\s+([^\s:]+)/gm), (match) => match[1]));
  return names.filter((name) => !installed.has(name));
}

/** The folder of the torch in a Python, if it has the headers that a build needs; null otherwise. */
export function pythonWithTorch(python) {
  const script =
    "import os, torch; p = torch.__path__[0]; print(p if os.path.isdir(p + '/include/ATen') else '')";
  const { status, stdout } = spawnSync(python, ["-c", script], { encoding: "utf8" });
  const path = status === 0 ? stdout.trim() : "";
  return path === "" ? null : path;
}
