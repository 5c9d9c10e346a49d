// Finds libtorch: from the variable SALMASK_LIBTORCH, the torch of the Python on the PATH, or the distribution's
// package.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {{ source: string, version: string, include: string[], lib: string, cxx11Abi: boolean }} Libtorch */

const versionHeader = "torch/csrc/api/include/torch/version.h";
/** Where later releases have the numbers; the other header includes it. */
const laterHeader = "torch/headeronly/version.h";

/** Reads `TORCH_VERSION_MAJOR.MINOR.PATCH` from libtorch's headers; null if the header does not exist. */
export function versionOf(include) {
  if (!existsSync(join(include, versionHeader))) return null;
  const headers = [versionHeader, laterHeader].map((header) => join(include, header)).filter(existsSync);
  const text = headers.map((path) => readFileSync(path, "utf8")).join("\n");
  const number = (name) => text.match(new RegExp(`#define TORCH_VERSION_${name} (\\d+)`))?.[1];
  return [number("MAJOR"), number("MINOR"), number("PATCH")].join(".");
}

function at(source, include, lib, cxx11Abi, tried) {
  const version = versionOf(include);
  if (version === null) return void tried.push(`${source}: no ${join(include, versionHeader)}`);
  if (!existsSync(join(lib, "libtorch.so")))
    return void tried.push(`${source}: no ${join(lib, "libtorch.so")}`);
  return { source, version, include: [include, join(include, "torch/csrc/api/include")], lib, cxx11Abi };
}

/** Whether a libtorch has the standard library's newer strings, by its own flags; pip's torch up to 2.5 has not. */
function hasCxx11Abi(root) {
  const config = join(root, "share/cmake/Torch/TorchConfig.cmake");
  return !existsSync(config) || !readFileSync(config, "utf8").includes("-D_GLIBCXX_USE_CXX11_ABI=0");
}

function fromVariable(tried) {
  const root = process.env.SALMASK_LIBTORCH;
  if (!root) return void tried.push("SALMASK_LIBTORCH: not set");
  return at(`SALMASK_LIBTORCH=${root}`, join(root, "include"), join(root, "lib"), hasCxx11Abi(root), tried);
}

function fromPython(tried) {
  try {
    const script = "import torch; print(torch.__path__[0]); print(torch.compiled_with_cxx11_abi())";
    const out = execFileSync("python3", ["-c", script], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [root, abi] = out.trim().split("\n");
    return at(
      "torch of python3 on the PATH",
      join(root, "include"),
      join(root, "lib"),
      abi === "True",
      tried,
    );
  } catch {
    tried.push("python3 on the PATH: it has no torch");
  }
}

function fromDistribution(tried) {
  const roots = existsSync("/usr/lib")
    ? readdirSync("/usr/lib").filter((name) => name.endsWith("-linux-gnu"))
    : [];
  const lib = roots.map((name) => join("/usr/lib", name)).find((dir) => existsSync(join(dir, "libtorch.so")));
  if (!lib) return void tried.push("the distribution: no libtorch.so under /usr/lib (Debian: libtorch-dev)");
  return at("the distribution's libtorch-dev", "/usr/include", lib, true, tried);
}

/**
 * The first libtorch found, in the documented order.
 * @returns {{ found: Libtorch | undefined, tried: string[] }}
 */
export function findLibtorch() {
  const tried = [];
  // If the variable is set but wrong, the user must see an error; do not search elsewhere.
  if (process.env.SALMASK_LIBTORCH) return { found: fromVariable(tried), tried };
  return { found: fromPython(tried) ?? fromDistribution(tried), tried };
}
