import { statSync } from "node:fs";
import { CheckpointError } from "../base/errors.js";
import { RunFolder } from "./run-folder.js";

/** Weights that a command was given: of a run, or a file alone. */
export interface GivenWeights {
  readonly path: string;
  /** null where a file was given. */
  readonly folder: RunFolder | null;
}

/** The weights of a run's folder or of a safetensors file. Throws {@link CheckpointError} `no-weights`. */
export function weightsOf(run: string): GivenWeights {
  const folder = statSync(run, { throwIfNoEntry: false })?.isDirectory() === true ? new RunFolder(run) : null;
  const path = folder?.weights ?? run;
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return { path, folder };
  throw new CheckpointError(
    "no-weights",
    `Expected a run's folder with weights.safetensors, or a safetensors file, got nothing at ${path}.`,
  );
}
