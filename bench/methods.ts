/**
 * The cost of each method compared with the plain one of its kind: time and memory per step, and passes through an
 * encoder.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateEmbedded } from "../packages/salmask/src/data/embedded/generate.js";
import type { StepCost } from "./method-step.js";
import { median, type Row } from "./rows.js";

const rounds = 3;

type Settings = Record<string, unknown>;

const plain: Settings = { "mask.fill": "none" };
/** As in the paper: saliency on both crops, by a network like the encoder. */
const guided: Settings = { "saliency.source": "own", "saliency.warmupEpochs": 0, "saliency.scope": "crop" };
const adios = (name: string): Settings => ({ ...plain, "occlusion.name": name });

/** By host method and name; the plain one is first. */
const methods: Record<string, Record<string, Settings>> = {
  mocov2: {
    plain,
    MSCN: { "mask.cells": "random", "mask.branch": "both", "mask.negative.count": 0 },
    "full method, high-pass": guided,
    "full method, blur": { ...guided, "mask.fill": "blur" },
    "full method, mean": { ...guided, "mask.fill": "mean" },
    "full method, mean, a map a photo": { ...guided, "mask.fill": "mean", "saliency.scope": "photo" },
    "ADIOS-s": adios("adios-s"),
    ADIOS: adios("adios"),
  },
  simclr: {
    plain,
    "full method, mean": { ...guided, "mask.fill": "mean" },
    "ADIOS-s": adios("adios-s"),
    ADIOS: adios("adios"),
  },
};

const base: Record<string, Settings> = {
  mocov2: { "method.name": "mocov2", "method.queue": 128, "method.groups": 1 },
  simclr: { "method.name": "simclr" },
};

const shared: Settings = {
  "data.crop": 64,
  "data.size": 80,
  "model.arch": "resnet18",
  "model.width": 16,
  "model.stem": "small",
  "train.batchSize": 32,
  threads: "auto",
};

/** Runs the steps in a separate process, so that its peak memory is that of this method. */
function measure(photos: string, settings: Settings): StepCost {
  const script = fileURLToPath(new URL("method-step.ts", import.meta.url));
  const args = ["--import", "tsx", script, photos, JSON.stringify(settings)];
  const cost: StepCost = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
  return cost;
}

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "salmask-bench-"));
  try {
    await generateEmbedded(folder, { train: 256, test: 1, size: 80 });
    const photos = join(folder, "train");
    const named = Object.entries(methods).flatMap(([host, kinds]) =>
      Object.entries(kinds).map(([name, settings]) => ({ host, name, settings })),
    );
    const costs = named.map(() => [] as StepCost[]);
    for (let round = 0; round < rounds; round++) {
      for (const [i, { host, name, settings }] of named.entries()) {
        costs[i].push(measure(photos, { ...shared, ...base[host], ...settings }));
        console.error(`round ${round + 1} of ${rounds}: ${host}, ${name}`);
      }
    }
    return named.flatMap(({ host, name }, i) => {
      const first = named.findIndex((other) => other.host === host);
      const row = (unit: string, of: (cost: StepCost) => number): Row => {
        const peer = median(costs[first].map(of));
        const ratio = median(costs[i].map((cost, round) => of(cost) / of(costs[first][round])));
        return { name: `${host}, ${name}`, unit, ours: median(costs[i].map(of)), peer, ratio };
      };
      return [
        row("s/step", ({ seconds }) => seconds),
        row("MiB at most", ({ memory }) => memory),
        row("encoder passes/step", ({ passes }) => passes),
      ];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
