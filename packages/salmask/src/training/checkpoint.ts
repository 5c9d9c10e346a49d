/** A checkpoint file: everything that a run needs to continue. Its checksum is verified when it is read. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import {
  libtorchVersion,
  loadSafetensors,
  type nn,
  noGrad,
  readSafetensorsMetadata,
  saveSafetensors,
  scope,
  type Tensor,
} from "@salmask/torch";
import { CheckpointError, messageOf, TrainingError } from "../base/errors.js";
import { joinParts, partOf } from "../models/state-dict.js";
import { type EarlierPosition, earlierFormat, earlierPositionSchema, fromEarlier } from "./checkpoint-1.js";
import { type Checkpoint, type Position, positionSchema } from "./position.js";

const format = "salmask-checkpoint-2";

/** The checksum of the whole content: names, types, shapes and values of the tensors, and the position. */
function checksum(tensors: Readonly<Record<string, Tensor>>, position: string): string {
  const hash = createHash("sha256").update(format).update(`${position.length}:`).update(position);
  for (const name of Object.keys(tensors).sort()) {
    const tensor = tensors[name];
    const data = tensor.toTypedArray();
    hash.update(JSON.stringify([name, tensor.dtype, tensor.shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** Where the checkpoint of a step lies. */
const checkpointPath = (folder: string, step: number): string =>
  join(folder, `step-${String(step).padStart(9, "0")}.safetensors`);

/** The checkpoints in a folder, newest first. */
export function listCheckpoints(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^step-\d{9,}\.safetensors$/.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/** Removes incomplete checkpoints whose writing was interrupted. No other process may be writing to the folder. */
export function removeUnfinished(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (/^\.step-\d{9,}\.safetensors\..*\.tmp$/.test(name)) rmSync(join(folder, name), { force: true });
}

/**
 * Writes a checkpoint completely or not at all, then removes all but the newest `keep`. Later ones are of a run that went on otherwise, before
 * this one went back to an earlier checkpoint, and are removed too. Returns its path. Throws
 * {@link TrainingError} and keeps the older checkpoints: `state-not-finite` if a value is NaN or infinite, so that
 * every existing checkpoint is usable; `disk-full`.
 */
export function saveCheckpoint(
  folder: string,
  checkpoint: Pick<Checkpoint, "task" | "optimizers"> & { position: Omit<Position, "libtorch"> },
  keep: number,
): string {
  const { task, optimizers } = checkpoint;
  const all = joinParts({ task, optimizer: joinParts(optimizers) });
  refuseUnlessFinite(all, checkpoint.position.step);
  const path = checkpointPath(folder, checkpoint.position.step);
  const position = JSON.stringify({ ...checkpoint.position, libtorch: libtorchVersion() });
  try {
    saveSafetensors(path, all, { format, position, sha256: checksum(all, position) });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
      const last = listCheckpoints(folder).at(0);
      const [safe, mend] =
        last === undefined
          ? ["No earlier checkpoint exists.", "Free some space, then run the same command."]
          : [`The last one, ${last}, is whole.`, "Free some space, then run the same command with --resume."];
      throw new TrainingError(
        "disk-full",
        `Expected room for the checkpoint of step ${checkpoint.position.step} in ${folder}, got a full disk. ${safe} ${mend}`,
        error,
      );
    }
    throw error;
  }
  const written = listCheckpoints(folder);
  const place = written.indexOf(path);
  for (const other of [...written.slice(0, place), ...written.slice(place + keep)])
    rmSync(other, { force: true });
  return path;
}

function refuseUnlessFinite(tensors: Readonly<Record<string, Tensor>>, step: number): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!tensor.dtype.startsWith("float") || tensor.shape.includes(0)) continue;
    const largest = noGrad(() => scope(() => tensor.abs().amax().item()));
    if (Number.isFinite(largest)) continue;
    throw new TrainingError(
      "state-not-finite",
      `Expected finite numbers in ${name} after step ${step}, got ${Number.isNaN(largest) ? "NaN" : "infinity"}. ` +
        "No checkpoint was written of it.",
    );
  }
}

/**
 * Reads a checkpoint and checks every byte. Also reads files in the previous format. Throws {@link CheckpointError}:
 * `missing-checkpoint`; `not-a-checkpoint` for another kind of file; `later-checkpoint` for a file from a later
 * version; `damaged-checkpoint`. The caller owns the checkpoint.
 */
export function loadCheckpoint(path: string): Checkpoint {
  if (!existsSync(path)) {
    throw new CheckpointError("missing-checkpoint", `Expected a checkpoint at ${path}, got nothing there.`);
  }
  const damaged = (error: unknown) => {
    const why = messageOf(error);
    return new CheckpointError(
      "damaged-checkpoint",
      `Expected a whole checkpoint in ${path}, got: ${why}.`,
      error,
    );
  };
  let metadata: Record<string, string>;
  try {
    metadata = readSafetensorsMetadata(path);
  } catch (error) {
    throw damaged(error);
  }
  refuseOtherFormats(path, metadata.format);
  let all: nn.StateDict = {};
  const free = () => {
    for (const tensor of Object.values(all)) tensor.dispose();
  };
  try {
    all = loadSafetensors(path);
    return { path, ...contentOf(all, metadata), [Symbol.dispose]: free };
  } catch (error) {
    free();
    throw damaged(error);
  }
}

function contentOf(
  all: nn.StateDict,
  { format: found, position: text, sha256 }: Record<string, string>,
): Pick<Checkpoint, "position" | "task" | "optimizers"> {
  const json: unknown = JSON.parse(text);
  if (found === earlierFormat) {
    const earlier: EarlierPosition = earlierPositionSchema.parse(json);
    return fromEarlier(earlier, all, sha256);
  }
  if (checksum(all, text) !== sha256) throw new Error("a checksum that does not match its content");
  const position = positionSchema.parse(json);
  const optimizers = Object.fromEntries(
    Object.keys(position.optimizerSteps).map((name) => [name, partOf(all, `optimizer.${name}`)]),
  );
  return { position, task: partOf(all, "task"), optimizers };
}

function refuseOtherFormats(path: string, found: string | undefined): void {
  if (found === format || found === earlierFormat) return;
  if (found?.startsWith("salmask-checkpoint-")) {
    throw new CheckpointError(
      "later-checkpoint",
      `Expected a checkpoint of format ${format} or earlier in ${path}, got ${found}. Use the version of Salmask that wrote it.`,
    );
  }
  throw new CheckpointError(
    "not-a-checkpoint",
    `Expected a checkpoint in ${path}, got ${found === "pt" ? "a file of weights" : "another kind of file"}.`,
  );
}

/**
 * The given checkpoint, or the newest one in a folder. If it is damaged, the error names the newest older one that can
 * be read.
 */
export function resumeFrom(folder: string, given?: string): Checkpoint {
  const candidates = listCheckpoints(folder);
  const path = given ?? candidates.at(0);
  if (path === undefined) {
    throw new CheckpointError(
      "no-checkpoint",
      `Expected a checkpoint to resume from in ${folder}, got none. Start the run without --resume.`,
    );
  }
  try {
    return loadCheckpoint(path);
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code !== "damaged-checkpoint") throw error;
    const older = newestWhole(candidates.filter((candidate) => basename(candidate) < basename(path)));
    const offer =
      older === undefined
        ? "No earlier checkpoint can be read."
        : `The one before it is whole (step ${older.step}). To go on from there: --resume ${older.path}`;
    throw new CheckpointError(error.code, `${error.message}\n${offer}`, error);
  }
}

function newestWhole(candidates: readonly string[]): { path: string; step: number } | undefined {
  for (const path of candidates) {
    try {
      using whole = loadCheckpoint(path);
      return { path, step: whole.position.step };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
    }
  }
  return undefined;
}
