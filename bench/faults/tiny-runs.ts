/** Runs of the command line that take seconds: their photos, their settings, how they are started, and what they leave. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeyedRandom } from "@salmask/torch";
import sharp from "sharp";
import { stringifyYaml } from "../../packages/salmask/src/base/yaml.js";

const salmask = fileURLToPath(new URL("../../packages/salmask/bin/salmask.js", import.meta.url));

const photoCount = 24;
const side = 16;
export const batchSize = 8;
export const stepsPerEpoch = photoCount / batchSize;

/** Four methods with different states: a queue, one network, a momentum encoder with a predictor, a second player. */
const variants: readonly Record<string, unknown>[] = [
  {
    method: { queue: 6, momentum: 0.9, dim: 8, groups: 2 },
    saliency: { source: "own", scope: "crop", warmupEpochs: 1 },
  },
  { method: { name: "simclr", dim: 8 } },
  { method: { name: "byol", dim: 8, hidden: 16, predictorHidden: 16 } },
  {
    method: { name: "simclr", dim: 8 },
    occlusion: { name: "adios", masks: 2, channels: 2 },
    mask: { fill: "none" },
  },
];

export interface TinyRun {
  /** Folder of its photos and settings. */
  readonly folder: string;
  /** Where decoded photos are kept. */
  readonly cache: string;
  /** Chooses the method and the seed. */
  readonly index: number;
  readonly epochs: number;
}

/** Writes the photos and the settings of a run. */
export async function prepare({ folder, cache, index, epochs }: TinyRun): Promise<void> {
  const photos = join(folder, "photos");
  mkdirSync(photos, { recursive: true });
  const random = new KeyedRandom(index, 7);
  for (let i = 0; i < photoCount; i++) {
    const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256));
    await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toFile(join(photos, `${i}.png`));
  }
  const config = {
    seed: index,
    threads: 1,
    precision: "float32",
    data: { crop: side, size: side, cache },
    model: { arch: "resnet18", width: 8, stem: "small" },
    train: { epochs, batchSize, logEvery: 1, lr: 0.05, varianceEvery: 0 },
    ...variants[index % variants.length],
  };
  writeFileSync(join(folder, "run.yaml"), stringifyYaml(config));
}

export interface StartOptions {
  readonly out: string;
  readonly resume?: boolean;
  /** Modules that Node loads first. */
  readonly imports?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Limits of the shell, such as `ulimit -n 30`. */
  readonly limits?: string;
}

/** Starts a prepared run. */
export function start({ folder }: Pick<TinyRun, "folder">, options: StartOptions): ChildProcess {
  const { out, resume = false, imports = [], env = {}, limits } = options;
  const args = [
    ...imports.flatMap((path) => ["--import", path]),
    salmask,
    "pretrain",
    join(folder, "photos"),
    ...["--config", join(folder, "run.yaml"), "--out", out, "--json"],
    ...(resume ? ["--resume"] : []),
  ];
  const [command, given] =
    limits === undefined
      ? [process.execPath, args]
      : ["bash", ["-c", `${limits}; exec "$@"`, "bash", process.execPath, ...args]];
  return spawn(command, given, {
    env: { ...process.env, OMP_NUM_THREADS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The error of the JSON document on standard output; null where there is none. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly err: string;
}

/** Waits for the end of a run. */
export async function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (data) => {
    out += data;
  });
  child.stderr?.on("data", (data) => {
    err += data;
  });
  await new Promise((done) => child.on("close", done));
  return { code: child.exitCode, signal: child.signalCode, error: errorIn(out), err };
}

function errorIn(out: string): Ended["error"] {
  try {
    const document: { error?: { code: string; message: string } } = JSON.parse(out);
    return document.error ?? null;
  } catch {
    return null;
  }
}

/** The bytes of a finished run's encoder. */
export const weightsOf = (out: string): Buffer => readFileSync(join(out, "weights.safetensors"));
