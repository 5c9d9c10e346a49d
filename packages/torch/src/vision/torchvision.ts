/** torchvision's compiled operators, where they are: no Python is needed for them. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { callNumber } from "../dispatch.js";
import { buildInfo, EngineError } from "../native.js";
import { Operator } from "../operator.js";
import { loadOperatorLibrary } from "../operator-library.js";

/** Of the loaded library. */
export interface Torchvision {
  readonly path: string;
  /** Whether its kernels compute on a GPU too. */
  readonly hasCuda: boolean;
}

/** What the variable `SALMASK_TORCHVISION` says instead of a path to do without the library. */
const without = "none";

/**
 * The library beside a libtorch: torchvision's folder lies beside torch's, whose `lib` holds the libtorch, or is the
 * distribution's where the libtorch is. Null where there is none. One of another libtorch would bring that one with it.
 */
export function torchvisionBeside(lib: string): string | null {
  const isDistributions = /^\/usr\/lib\/[^/]+-linux-gnu$/.test(lib);
  const folder = isDistributions
    ? "/usr/lib/python3/dist-packages/torchvision"
    : join(dirname(dirname(lib)), "torchvision");
  const name = existsSync(folder) ? readdirSync(folder).find((file) => /^_C\b.*\.so$/.test(file)) : undefined;
  return name === undefined ? null : join(folder, name);
}

function load(path: string): Torchvision {
  loadOperatorLibrary(path);
  return { path, hasCuda: callNumber(new Operator("torchvision::_cuda_version", "")) >= 0 };
}

function find(): Torchvision | null {
  const asked = process.env.SALMASK_TORCHVISION;
  if (asked === without) return null;
  if (asked !== undefined && asked !== "") return load(asked);
  const path = torchvisionBeside(buildInfo().lib);
  if (path === null) return null;
  try {
    return load(path);
  } catch (error) {
    // What was only found may be built for another version of libtorch; the operators are computed without it then.
    if (error instanceof EngineError) return null;
    throw error;
  }
}

let found: Torchvision | null | undefined;

/**
 * Loads torchvision's operators when it is first asked: from the file that the variable `SALMASK_TORCHVISION` names, else from
 * beside the libtorch in use. Null where there are none, or where the variable is `none`. Throws an {@link EngineError} where
 * the variable names a file that cannot be loaded.
 */
export function torchvision(): Torchvision | null {
  if (found === undefined) found = find();
  return found;
}

/** Whether the library computes on this device. */
export function torchvisionComputesOn(device: string): boolean {
  const library = torchvision();
  return library !== null && (device === "cpu" || library.hasCuda);
}
