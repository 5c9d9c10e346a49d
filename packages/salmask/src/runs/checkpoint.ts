import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  loadSafetensors,
  type nn,
  readSafetensorsMetadata,
  saveSafetensors,
  type Tensor,
} from "@salmask/torch";
import { z } from "zod";
import { CheckpointError, TrainingError } from "../base/errors.js";
import { joinParts, partOf } from "../models/state-dict.js";

const format = "salmask-checkpoint-1";

const positionSchema = z.object({
  /** Steps done, over all epochs. */
  step: z.number().int().min(0),
  /** The method's numbers, such as where the queue is written next. */
  counters: z.record(z.string(), z.number()),
  optimizerSteps: z.number().int().min(0),
  /** Which photos the run saw. */
  dataFingerprint: z.string(),
  /** The configuration of the run, as it was written down. */
  config: z.unknown(),
  libtorch: z.string(),
});

/** All that a run needs to go on, beside its tensors. */
export type Position = z.infer<typeof positionSchema>;

export interface Checkpoint {
  path: string;
  position: Position;
  /** The method's tensors (weights, batch-norm state, queue), and saliency's frozen network where there is one. */
  tensors: nn.StateDict;
  /** The optimiser's tensors. */
  optimizer: nn.StateDict;
}

function checksum(tensors: Record<string, Tensor>): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(tensors).sort()) {
    const data = tensors[name].toTypedArray();
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

const fileOf = (step: number) => `step-${String(step).padStart(9, "0")}.safetensors`;

/** The folder's checkpoints, newest first. */
export function listCheckpoints(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^step-\d{9,}\.safetensors$/.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * Writes a checkpoint whole or not at all, then removes all but the newest `keep`. Returns its path. Throws
 * {@link TrainingError} `disk-full`, with the older checkpoints untouched.
 */
export function saveCheckpoint(folder: string, checkpoint: Omit<Checkpoint, "path">, keep: number): string {
  const all = joinParts({ method: checkpoint.tensors, optimizer: checkpoint.optimizer });
  const path = join(folder, fileOf(checkpoint.position.step));
  const metadata = { format, position: JSON.stringify(checkpoint.position), sha256: checksum(all) };
  try {
    saveSafetensors(path, all, metadata);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
      const last = listCheckpoints(folder).at(0);
      const safe = last === undefined ? "No earlier checkpoint exists." : `The last one, ${last}, is whole.`;
      throw new TrainingError(
        "disk-full",
        `The disk is full: the checkpoint of step ${checkpoint.position.step} could not be written to ${folder}. ${safe} ` +
          "Free some space, then run the same command with --resume.",
        error,
      );
    }
    throw error;
  }
  for (const old of listCheckpoints(folder).slice(keep)) rmSync(old, { force: true });
  return path;
}

/**
 * Reads a checkpoint and checks every byte. Throws {@link CheckpointError} `damaged-checkpoint`, which names the
 * newest older one that is whole.
 */
export function loadCheckpoint(path: string): Checkpoint {
  if (!existsSync(path)) {
    throw new CheckpointError(
      "missing-checkpoint",
      `Expected a checkpoint at ${path}, but there is no such file.`,
    );
  }
  try {
    const metadata = readSafetensorsMetadata(path);
    if (metadata.format !== format) {
      throw new CheckpointError(
        "not-a-checkpoint",
        `expected a file of format ${format}, but ${metadata.format ?? "none"} came`,
      );
    }
    const position = positionSchema.parse(JSON.parse(metadata.position));
    const all = loadSafetensors(path);
    if (checksum(all) !== metadata.sha256) throw new Error("its checksum does not match its content");
    return { path, position, tensors: partOf(all, "method"), optimizer: partOf(all, "optimizer") };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CheckpointError("damaged-checkpoint", `The checkpoint ${path} is damaged: ${why}`, error);
  }
}

/**
 * The newest checkpoint of a folder, or the one given. Where it is damaged, the error offers the newest older one
 * that can be read.
 */
export function resumeFrom(folder: string, given?: string): Checkpoint {
  const candidates = listCheckpoints(folder);
  const path = given ?? candidates.at(0);
  if (path === undefined) {
    throw new CheckpointError(
      "no-checkpoint",
      `Expected a checkpoint to resume from in ${folder}, but there is none. Start the run without --resume.`,
    );
  }
  try {
    return loadCheckpoint(path);
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code !== "damaged-checkpoint") throw error;
    const older = newestWhole(candidates.filter((candidate) => candidate < path));
    const offer =
      older === undefined
        ? "No earlier checkpoint can be read."
        : `The one before it is whole (step ${older.position.step}). To go on from there: --resume ${older.path}`;
    throw new CheckpointError(error.code, `${error.message}\n${offer}`, error);
  }
}

function newestWhole(candidates: readonly string[]): Checkpoint | undefined {
  for (const candidate of candidates) {
    try {
      return loadCheckpoint(candidate);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
    }
  }
  return undefined;
}
