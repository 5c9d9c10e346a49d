// What a machine needs to build the addon, and what people are told where something is missing.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { compiler } from "./toolchain.mjs";

/** @typedef {import("./libtorch.mjs").Libtorch} Libtorch */
/** @typedef {{ found: Libtorch | undefined, tried: string[] }} Search what `findLibtorch` returns */

const leastVersion = "1.13";

/** Null where libtorch is new enough, otherwise what is wrong with what was found. */
function libtorchFault({ found, tried }) {
  if (!found) return [`no libtorch was found. Tried:`, ...tried.map((place) => `  ${place}`)].join("\n    ");
  const [major, minor] = found.version.split(".").map(Number);
  if (major > 1 || (major === 1 && minor >= 13)) return null;
  return `expected libtorch ${leastVersion} or later, got ${found.version} (${found.source})`;
}

/** Null where the compiler can be started, otherwise why not. */
function compilerFault() {
  const { error, status } = spawnSync(compiler, ["--version"], { stdio: "ignore" });
  if (status === 0) return null;
  const why = error ? `it cannot be started (${error.code})` : `it ended with ${status}`;
  const named =
    process.env.CXX === undefined ? `${compiler}, as the variable CXX names none` : `CXX=${compiler}`;
  return `expected a C++ compiler, got ${named}: ${why}`;
}

/** What to do about it, a line each. */
function mend({ lacksCompiler, lacksLibtorch }) {
  const isNamed = Boolean(process.env.SALMASK_LIBTORCH);
  const packages = [
    ...(lacksCompiler ? ["g++"] : []),
    ...(lacksLibtorch && !isNamed ? ["libtorch-dev", "libgloo-dev", "libopenblas0-pthread"] : []),
  ].join(" ");
  const isDebian = existsSync("/etc/debian_version");
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  const ways = [
    ...(isDebian && packages !== ""
      ? [`Run: ${sudo}apt-get install -y --no-install-recommends ${packages}`]
      : []),
    ...(!isDebian && lacksCompiler ? ["Install g++, or set CXX to another C++ compiler."] : []),
    ...(!isDebian && lacksLibtorch ? ["Install PyTorch for the python3 on the PATH: pip install torch"] : []),
    ...(lacksLibtorch
      ? ["A libtorch elsewhere: set SALMASK_LIBTORCH to the folder that has its include and lib."]
      : []),
  ];
  return [...ways, "Then run the same command again."].join("\n");
}

/**
 * Null where the machine has all that a build needs. Otherwise a message that names everything that is missing, what was found
 * instead, and how to mend it.
 * @param {Search} search
 */
export function missingForBuild(search) {
  const [ofCompiler, ofLibtorch] = [compilerFault(), libtorchFault(search)];
  if (ofCompiler === null && ofLibtorch === null) return null;
  const { found } = search;
  const lines = [
    "@salmask/torch: its addon cannot be built on this machine.",
    `  compiler: ${ofCompiler ?? `${compiler} is there`}`,
    `  libtorch: ${ofLibtorch ?? `${found.version} is there (${found.source})`}`,
    mend({ lacksCompiler: ofCompiler !== null, lacksLibtorch: ofLibtorch !== null }),
  ];
  return lines.join("\n");
}
