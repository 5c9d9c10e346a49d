/** The encoders of a table: those that are given, and the same networks untrained. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { SalmaskError } from "../base/errors.js";
import { slugOf } from "../base/slug.js";
import { untrainedName } from "../base/untrained-name.js";
import type { BackboneSpec } from "../models/backbone.js";
import { weightsOf } from "../runs/run-weights.js";
import { loadBackbone } from "../weights/files.js";
import { highPassOf, inputOf } from "../weights/metadata.js";
import type { PlanRow } from "./plan.js";

/** A row of the table that is measured. */
export interface EncoderRow extends PlanRow {
  /** `untrained`: the network of the run in `run`, with new random weights for each seed. */
  readonly start: "encoder" | "random";
  /** The slug of the row with the same network untrained; null where it is not measured, or this is it. */
  readonly untrained: string | null;
  /** Whether one run is measured with every seed, so that seeds differ in the measuring alone. */
  readonly isOneRun: boolean;
}

/** What an untrained network depends on besides its seed. */
export interface NetworkIdentity {
  readonly spec: BackboneSpec;
  /** Side of the views in pixels. */
  readonly crop: number;
  /** The filter that it sees photos through. */
  readonly highPass: ReturnType<typeof highPassOf>;
}

/** The run that a row has for a seed: `seed-N` in the row's folder, else the folder itself. */
export function runOf({ run }: Pick<PlanRow, "run">, seed: number): string {
  const ofSeed = join(run, `seed-${seed}`);
  return existsSync(ofSeed) ? ofSeed : run;
}

/** The network of a row's run. Throws CheckpointError. */
export function networkOf(row: Pick<PlanRow, "run">, seed: number): NetworkIdentity {
  const { backbone, metadata } = loadBackbone(weightsOf(runOf(row, seed)).path);
  try {
    return { spec: backbone.spec, crop: inputOf(metadata).crop, highPass: highPassOf(metadata) };
  } finally {
    backbone.dispose();
  }
}

/** Why a row has no encoder for some seeds; empty where it has all. */
export function missingEncoders(row: PlanRow, seeds: readonly number[]): string[] {
  return seeds.flatMap((seed) => {
    try {
      networkOf(row, seed);
      return [];
    } catch (error) {
      if (!(error instanceof SalmaskError)) throw error;
      return [`${row.name}, seed ${seed}: ${error.message}`];
    }
  });
}

/**
 * The rows that are measured: one untrained network before the runs that have it, where they are wanted. Runs without any encoder get
 * no untrained network.
 */
export function encoderRows(
  rows: readonly PlanRow[],
  seeds: readonly number[],
  { random }: { readonly random: boolean },
): EncoderRow[] {
  const networks = new Map<string, EncoderRow>();
  const runs = rows.map((row): EncoderRow => {
    const key = random ? networkKey(row, seeds) : null;
    const isOneRun = seeds.every((seed) => runOf(row, seed) === row.run);
    if (key === null) return { ...row, start: "encoder", untrained: null, isOneRun };
    const known = networks.get(key);
    const slug = known?.slug ?? slugOf(untrainedName) + (networks.size === 0 ? "" : `-${row.slug}`);
    if (known === undefined) {
      // The first one needs no name of a run where all runs have the same network.
      const name = networks.size === 0 ? untrainedName : `${untrainedName}, as ${row.name}`;
      networks.set(key, { name, slug, run: row.run, start: "random", untrained: null, isOneRun: false });
    }
    return { ...row, start: "encoder", untrained: slug, isOneRun };
  });
  return [...networks.values(), ...runs];
}

/** The network of the first seed for which there is a run, as text; null where there is none. */
function networkKey(row: PlanRow, seeds: readonly number[]): string | null {
  for (const seed of seeds) {
    try {
      return JSON.stringify(networkOf(row, seed));
    } catch (error) {
      if (!(error instanceof SalmaskError)) throw error;
    }
  }
  return null;
}
