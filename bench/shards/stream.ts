/** Streams through an epoch of numbered photos in a process that is killed and begun again, and counts what was seen. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ReaderReport } from "./reader.js";

const reader = fileURLToPath(new URL("reader.ts", import.meta.url));

export interface StreamOptions {
  /** Shards that {@link writeNumbered} wrote. */
  readonly photos: string;
  /** For the caches and the record. */
  readonly folder: string;
  readonly count: number;
  readonly batchSize: number;
  /** Shares of the epoch after which the process is killed. */
  readonly killAt: readonly number[];
}

export interface StreamCount {
  readonly kills: number;
  /** Photos that were seen, each as often as it was. */
  readonly seen: number;
  readonly twice: number;
  readonly missing: number;
  /** Of the last process. */
  readonly last: ReaderReport;
}

/** Throws where a process ends by itself with a fault. */
export async function streamThrough(options: StreamOptions): Promise<StreamCount> {
  const { photos, folder, count, batchSize, killAt } = options;
  const record = join(folder, "seen.bin");
  const start = () =>
    spawn(
      process.execPath,
      ["--import", "tsx", reader, photos, join(folder, "cache"), record, String(batchSize)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
  let kills = 0;
  for (const share of killAt) if (await killedAfter(start(), record, 4 * count * share)) kills++;
  const last: ReaderReport = JSON.parse(await outputOf(start()));
  const bytes = readFileSync(record);
  const seen = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const times = new Uint8Array(count);
  let twice = 0;
  for (const number of seen) if (times[number]++ > 0) twice++;
  return { kills, seen: seen.length, twice, missing: times.filter((each) => each === 0).length, last };
}

/** Kills a process once a file has so many bytes. False if it has ended before. */
function killedAfter(child: ChildProcess, path: string, bytes: number): Promise<boolean> {
  const look = setInterval(() => {
    if (existsSync(path) && statSync(path).size >= bytes) child.kill("SIGKILL");
  }, 2);
  return new Promise((done, fail) =>
    child.on("close", (code, signal) => {
      clearInterval(look);
      if (signal === null && code !== 0)
        fail(new Error(`Expected the reader to stream, got exit code ${code}.`));
      else done(signal === "SIGKILL");
    }),
  );
}

function outputOf(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (piece) => {
    text += piece;
  });
  return new Promise((done, fail) =>
    child.on("close", (code) => {
      if (code === 0) done(text);
      else fail(new Error(`Expected the reader to end with 0, got ${code}.`));
    }),
  );
}
