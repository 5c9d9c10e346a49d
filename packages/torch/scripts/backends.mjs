// The backends of process groups that a build can have: each needs headers that libtorch's own do not bring.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("./libtorch.mjs").Libtorch} Libtorch */

/** Where pip puts the packages that torch depends on, seen from torch's folder of libraries. */
const besideTorch = (lib, name) => join(lib, "../../nvidia", name, "include");

/**
 * The source files that are compiled with a backend, where its headers are there: the flags for it, and the header that says which
 * release it is.
 * @param {Libtorch} libtorch
 * @returns {Map<string, { flags: string[], release: string }>}
 */
export function backends({ include, lib }) {
  const usual = ["/usr/include", "/usr/local/include", "/usr/local/cuda/include"];
  const ofPip = ["nccl", "cu13", "cuda_runtime", "cublas", "cusparse", "cusolver"].map((name) =>
    besideTorch(lib, name),
  );
  const folders = [...include, ...usual, ...ofPip];
  const textOf = (header) => {
    const path = folders.map((folder) => join(folder, header)).find(existsSync);
    return path === undefined ? null : readFileSync(path, "utf8");
  };
  const found = new Map();
  const gloo = textOf("gloo/config.h");
  if (gloo !== null) found.set("distributed/gloo.cc", { flags: ["-DUSE_C10D_GLOO"], release: gloo });
  const nccl = existsSync(join(lib, "libtorch_cuda.so")) ? textOf("nccl.h") : null;
  if (nccl !== null) {
    const paths = [...usual.slice(2), ...ofPip].filter(existsSync).flatMap((folder) => ["-isystem", folder]);
    found.set("distributed/nccl.cc", { flags: ["-DUSE_C10D_NCCL", ...paths], release: nccl });
  }
  return found;
}
