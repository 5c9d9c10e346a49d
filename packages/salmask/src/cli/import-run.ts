/** Converts a file of weights for `salmask import`. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { BackboneSpec } from "../models/backbone.js";
import { RunFolder } from "../runs/run-folder.js";
import { saveBackbone } from "../weights/files.js";
import { type ImportedBackbone, importBackbone } from "../weights/import.js";

export interface ImportWeights {
  readonly file: string;
  /** A safetensors file, or a new folder. */
  readonly out: string;
  readonly prefix: string | undefined;
  /** Side of the pictures that the encoder was trained on, in pixels. */
  readonly crop: number | undefined;
}

export interface ImportedWeights extends Pick<ImportedBackbone, "prefix" | "others" | "ignored"> {
  /** The file that was written. */
  readonly weights: string;
  readonly spec: BackboneSpec;
}

/** What the metadata of our files says of the pictures. */
const ofPictures = ["crop", "mask", "method", "task"];

/** Throws UsageError where the folder is taken, and what {@link importBackbone} throws. */
export function importWeights({ file, out, prefix, crop }: ImportWeights): ImportedWeights {
  const folder = out.endsWith(".safetensors") ? null : new RunFolder(out);
  folder?.refuseTaken();
  const { backbone, metadata, ...found } = importBackbone(file, { prefix });
  try {
    const weights = folder?.weights ?? out;
    mkdirSync(dirname(weights), { recursive: true });
    if (folder !== null) mkdirSync(folder.checkpoints, { recursive: true });
    const kept = Object.fromEntries(Object.entries(metadata).filter(([key]) => ofPictures.includes(key)));
    saveBackbone(weights, backbone, { ...kept, ...(crop === undefined ? {} : { crop: String(crop) }) });
    return { ...found, weights, spec: backbone.spec };
  } finally {
    backbone.dispose();
  }
}
