/**
 * A process that streams through an epoch and notes the number of every photo that it sees, as a run notes its steps: a state is
 * renamed to its place now and then, and what was noted after it is forgotten when the process begins again.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { scope } from "@salmask/torch";
import { processMemory } from "../../packages/salmask/src/base/process-memory.js";
import { findShards } from "../../packages/salmask/src/data/shards/find-shards.js";
import { openShards } from "../../packages/salmask/src/data/shards/open-shards.js";
import { numberIn, side } from "./numbered-photos.js";

/** What {@link readEpoch} prints when it has ended, as JSON. */
export interface ReaderReport {
  readonly photos: number;
  readonly steps: number;
  /** Steps that were done here. */
  readonly stepsHere: number;
  /** Until the first step could be asked for: indexes, and the order of the epoch. */
  readonly openSeconds: number;
  readonly seconds: number;
  /** Most resident memory in bytes, and that of before anything was opened. */
  readonly mostResident: number;
  readonly residentBefore: number;
}

const stateEvery = 20;

async function readEpoch(photos: string, cacheDir: string, record: string, batchSize: number): Promise<void> {
  const residentBefore = processMemory("VmRSS") ?? Number.NaN;
  const began = performance.now();
  const found = await findShards(photos);
  if (found === null) throw new Error(`Expected shards at ${photos}, got none.`);
  const dataset = await openShards(found, {
    size: side,
    openShards: 16,
    shuffleBuffer: 4096,
    seed: 0,
    cacheDir,
  });
  const { stream } = dataset;
  const order = stream.order({ seed: 0, epoch: 0, batchSize });
  const openSeconds = (performance.now() - began) / 1000;
  const statePath = `${record}.state`;
  const first = existsSync(statePath) ? Number(readFileSync(statePath, "utf8")) : 0;
  if (existsSync(record)) truncateSync(record, 4 * batchSize * first);
  const file = openSync(record, "a");
  const steps = Math.floor(order.length / batchSize);
  for (let step = first; step < steps; step++) {
    const ids = order.subarray(step * batchSize, (step + 1) * batchSize);
    const release = await stream.follow(ids, step + 1 === steps);
    const pixels = scope(() => dataset.images(ids).toTypedArray()); // [B * 3 * side * side]
    release();
    const numbers = Int32Array.from({ length: batchSize }, (_, i) => {
      const start = pixels.byteOffset + i * 3 * side * side;
      return numberIn(new Uint8Array(pixels.buffer, start, side * side));
    });
    writeSync(file, new Uint8Array(numbers.buffer));
    if ((step + 1) % stateEvery === 0 || step + 1 === steps) {
      writeFileSync(`${statePath}.tmp`, String(step + 1));
      renameSync(`${statePath}.tmp`, statePath);
    }
  }
  await stream.settle();
  dataset.close();
  closeSync(file);
  const report: ReaderReport = {
    photos: dataset.length,
    steps,
    stepsHere: steps - first,
    openSeconds,
    seconds: (performance.now() - began) / 1000,
    mostResident: processMemory("VmHWM") ?? Number.NaN,
    residentBefore,
  };
  console.log(JSON.stringify(report));
}

const [photos, cacheDir, record, batchSize] = process.argv.slice(2);
await readEpoch(photos, cacheDir, record, Number(batchSize));
