import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { buildInfo, getNumThreads, hasCuda, KeyedRandom, libtorchVersion } from "@salmask/torch";
import sharp from "sharp";
import { type Report, silent } from "../base/events.js";
import { computeOf } from "../compute/compute.js";
import { configSchema, type RunConfig } from "../config/schema.js";
import { openDataset } from "../data/store/dataset.js";
import { measureSpeed } from "../tasks/pretrain/measure-speed.js";

export interface Health {
  node: string;
  libtorch: { version: string; source: string; lib: string };
  threads: number;
  cores: number;
  device: "cpu" | "cuda";
  decodedPerSecond: number;
  stepsPerSecond: number;
  /** Describes the measured step. */
  stepOf: string;
  /** What to change; empty if nothing is wrong. */
  advice: string[];
}

const photos = 96;

/** A small run whose steps are comparable between machines. */
const stepConfig: RunConfig = configSchema.parse({
  data: { crop: 64, size: 128 },
  model: { arch: "resnet18", width: 64, stem: "imagenet" },
  method: { queue: 64, groups: 1 },
  saliency: { source: "spectral-residual" },
  train: { batchSize: 32 },
});

export interface ExamineOptions {
  /** Aborting ends the work with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Examines the machine, and measures decoding and a training step on pictures of noise. Takes a few seconds. */
export async function examine({ signal, report = silent }: ExamineOptions = {}): Promise<Health> {
  const folder = await mkdtemp(join(tmpdir(), "salmask-doctor-"));
  try {
    report({ kind: "note", message: `decoding ${photos} photos and taking some steps ...` });
    await writePhotos(folder);
    const started = performance.now();
    const dataset = await openDataset(folder, { size: 128, cacheDir: join(folder, "cache"), signal });
    dataset.close();
    const decodedPerSecond = (1000 * photos) / (performance.now() - started);
    const stepsPerSecond = 1 / (await measureSpeed(stepConfig, computeOf(stepConfig), signal)).step;
    const [threads, cores] = [getNumThreads(), availableParallelism()];
    const libtorch = { ...buildInfo(), version: libtorchVersion() };
    return {
      node: process.version,
      libtorch,
      threads,
      cores,
      device: hasCuda() ? "cuda" : "cpu",
      decodedPerSecond,
      stepsPerSecond,
      stepOf: "full method, ResNet-18 at 64 px, 32 photos",
      advice:
        threads < cores
          ? [`${cores - threads} cores are idle: unset OMP_NUM_THREADS, or set it to ${cores}`]
          : [],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writePhotos(folder: string): Promise<void> {
  const raw = { width: 128, height: 128, channels: 3 } as const;
  for (let i = 0; i < photos; i++) {
    const random = new KeyedRandom(i);
    const pixels = Uint8Array.from({ length: 128 * 128 * 3 }, () => random.integer(256));
    await writeFile(join(folder, `${i}.jpg`), await sharp(pixels, { raw }).blur(2).jpeg().toBuffer());
  }
}
