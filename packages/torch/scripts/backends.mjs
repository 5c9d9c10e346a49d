// The backends of process groups that a build can have: each needs headers that libtorch's own do not bring.
import { existsSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("./libtorch.mjs").Libtorch} Libtorch */

/** Where pip puts the packages that torch depends on, seen from torch's folder of libraries. */
const besideTorch = (lib, name) => join(lib, "../../nvidia", name, "include");

/**
 * The source files that are compiled with a backend, and the flags for it, where its headers are there.
 * @param {Libtorch} libtorch
 * @returns {Map<string, string[]>}
 */
export function backends({ include, lib }) {
  const usual = ["/usr/include", "/usr/local/include", "/usr/local/cuda/include"];
  const ofPip = ["nccl", "cu13", "cuda_runtime", "cublas", "cusparse", "cusolver"].map((name) =>
    besideTorch(lib, name),
  );
  const folders = [...include, ...usual, ...ofPip];
  const has = (header) => folders.some((folder) => existsSync(join(folder, header)));
  const flags = new Map();
  if (has("gloo/rendezvous/store.h")) flags.set("distributed/gloo.cc", ["-DUSE_C10D_GLOO"]);
  if (existsSync(join(lib, "libtorch_cuda.so")) && has("nccl.h")) {
    const paths = [...usual.slice(2), ...ofPip].filter(existsSync).flatMap((folder) => ["-isystem", folder]);
    flags.set("distributed/nccl.cc", ["-DUSE_C10D_NCCL", ...paths]);
  }
  return flags;
}
