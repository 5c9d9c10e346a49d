/** The encoders that are looked at: those that are given, and the same networks untrained. */
import { UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { slugOf } from "../base/slug.js";
import { untrainedName } from "../base/untrained-name.js";
import type { Fill } from "../masking/fills/fill.js";
import type { Backbone } from "../models/backbone.js";
import { weightsOf } from "../runs/run-weights.js";
import { untrainedLike } from "../tasks/probe/probe.js";
import { loadBackbone } from "../weights/files.js";
import { highPassOf, inputOf } from "../weights/metadata.js";

/** An encoder that a command was given. */
export interface GivenEncoder {
  readonly name: string;
  /** A run's folder, or a safetensors file. */
  readonly run: string;
}

export interface Encoder {
  readonly name: string;
  /** For file names; no two encoders of an analysis have the same. */
  readonly slug: string;
  /** Null for an untrained network. */
  readonly run: string | null;
  /** In evaluation mode. */
  readonly backbone: Backbone;
  /** Side of the square pictures that it sees, in pixels. */
  readonly crop: number;
  /** Cells per side in which its training's crops were masked; without it, one per position of its last feature maps. */
  readonly cells?: number;
  /** Its `prepare` was applied to every training photo. */
  readonly fill: Fill;
}

export interface OpenEncoders {
  /** Of the untrained networks' weights. */
  readonly seed: number;
  /** Whether each network is also looked at untrained. */
  readonly random: boolean;
}

/**
 * Opens encoders, the untrained ones first: one for each shape of network, size of pictures and filter. The caller disposes of the
 * backbones. Throws CheckpointError, and {@link UsageError} `bad-name`.
 */
export function openEncoders(given: readonly GivenEncoder[], { seed, random }: OpenEncoders): Encoder[] {
  refuseNames(given.map(({ name }) => name));
  const trained: Encoder[] = [];
  const untrained = new Map<string, Encoder>();
  try {
    for (const { name, run } of given) {
      const { backbone, metadata } = loadBackbone(weightsOf(run).path);
      const { crop, fill, cells } = inputOf(metadata);
      trained.push({ name, slug: slugOf(name), run, backbone, crop, cells, fill });
      const network = JSON.stringify([backbone.spec, crop, highPassOf(metadata)]);
      if (!random || untrained.has(network)) continue;
      const title = untrained.size === 0 ? untrainedName : `${untrainedName}, as ${name}`;
      const like = untrainedLike(backbone, seed).eval().setRequiresGrad(false);
      untrained.set(network, {
        name: title,
        slug: slugOf(title),
        run: null,
        backbone: like,
        crop,
        cells,
        fill,
      });
    }
  } catch (error) {
    closeEncoders([...trained, ...untrained.values()]);
    throw error;
  }
  return [...untrained.values(), ...trained];
}

export function closeEncoders(encoders: readonly Encoder[]): void {
  for (const { backbone } of encoders) backbone.dispose();
}

function refuseNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const slug = slugOf(name);
    if (slug === "" || seen.has(slug) || slug.startsWith(slugOf(untrainedName))) {
      const what = slug === "" ? "a letter or digit" : "no other encoder's name, and not the untrained one's";
      throw new UsageError(
        "bad-name",
        `Expected a name with ${what}, got ${shown(name)}. Give names as NAME=RUN.`,
      );
    }
    seen.add(slug);
  }
}
