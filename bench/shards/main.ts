/** A million photos in a hundred shards: whether an epoch is complete after kills, and how much memory it takes. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNumbered } from "./numbered-photos.js";
import { streamThrough } from "./stream.js";
import { trainFrom } from "./train.js";

const count = 1_000_000;
const shards = 100;
const batchSize = 250;
const killAt = [0.35, 0.7];
const trainSteps = 60;
/** Photos of the set beside which the training's memory is looked at. */
const few = 20_000;
/** Bytes that may be resident beyond a process that streams nothing, and beyond the same training on few photos. */
const mayTake = 2 ** 30;

const inMebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** Prints what was seen, and in the last line whether the claim holds, which it returns. */
export async function claim(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "salmask-shards-"));
  try {
    const began = performance.now();
    const photos = join(folder, "shards");
    const bytes = writeNumbered(photos, { photos: count, shards });
    console.log(
      `${count} photos in ${shards} shards: ${inMebibytes(bytes)}, written in ${seconds(performance.now() - began)}`,
    );
    const streamBegan = performance.now();
    const stream = made(join(folder, "stream"));
    const options = { photos, folder: stream, count, batchSize, killAt };
    const { kills, seen, twice, missing, last } = await streamThrough(options);
    console.log(
      `an epoch of ${kills + 1} processes, ${kills} of them killed, in ${seconds(performance.now() - streamBegan)}: ` +
        `${seen} photos seen, ${twice} twice, ${missing} missing`,
    );
    const { openSeconds, stepsHere, mostResident, residentBefore } = last;
    const speed = (stepsHere * batchSize) / (last.seconds - openSeconds);
    console.log(
      `the last process: opened in ${openSeconds.toFixed(1)} s, ${Math.round(speed)} photos a second; ` +
        `at most ${inMebibytes(mostResident)} resident, ${inMebibytes(residentBefore)} before it opened anything`,
    );
    const fewPhotos = join(folder, "few");
    writeNumbered(fewPhotos, { photos: few, shards: 10 });
    const cache = join(stream, "cache");
    const [small] = await trainFrom(fewPhotos, { folder: made(join(folder, "train-few")), cache, steps: 15 });
    const training = await trainFrom(photos, {
      folder: made(join(folder, "train")),
      cache,
      steps: trainSteps,
    });
    console.log(
      `a tiny network: ${training.map(inMebibytes).join(" and, resumed, ")} resident at most; from ${few} photos ${inMebibytes(small)}`,
    );
    const isComplete = seen === count && twice + missing === 0;
    const beyond = Math.max(mostResident - residentBefore, Math.max(...training) - small);
    const holds = isComplete && kills === killAt.length && beyond < mayTake;
    console.log(
      `${holds ? "held" : "NOT HELD"}: each photo once after ${kills} kills, ${inMebibytes(beyond)} of memory for the photos (${inMebibytes(mayTake)} allowed)`,
    );
    return holds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function made(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}
