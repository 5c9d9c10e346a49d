/** Reads damaged and hostile files of every kind in processes of their own, and counts what became of them. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { KeyedRandom } from "@salmask/torch";
import type { Outcome } from "./answers.js";
import { type Kind, kindNames } from "./kinds.js";
import type { Mutate, Mutated } from "./mutate/bytes.js";
import { images } from "./mutate/images.js";
import { pths } from "./mutate/pth.js";
import { tars } from "./mutate/tars.js";
import { tensors } from "./mutate/tensors.js";
import { texts } from "./mutate/texts.js";
import { contentOfCheckpoint } from "./readers.js";
import type { ReadingProcess } from "./reading-process.js";

/** A file that fell through. */
export interface Fallen {
  readonly kind: Kind;
  /** Number of the file, by which it can be made again. */
  readonly index: number;
  readonly how: string;
  readonly why: string;
  /** Where a copy is kept. */
  readonly path: string;
}

export interface Count {
  readonly kind: Kind;
  readonly files: number;
  readonly read: number;
  /** By the code of the error. */
  readonly refused: ReadonlyMap<string, number>;
  /** Files of each kind of damage. */
  readonly damage: ReadonlyMap<string, number>;
  readonly fallen: readonly Fallen[];
  /** Of the file that took longest. */
  readonly seconds: number;
  /** Most bytes that a process was resident with. */
  readonly peak: number;
}

export interface CountOptions {
  readonly kind: Kind;
  readonly files: number;
  readonly seed: number;
  /** The first file's number; default 0. Every file depends on its number alone. */
  readonly from?: number;
  /** Folder that files which fell through are copied to. */
  readonly keep: string;
  readonly onFallen?: (fallen: Fallen) => void;
  /** Reads the files. */
  readonly reading: ReadingProcess;
}

interface Made {
  readonly mutate: Mutate;
  /** What must be wrong with a file that was read; null where nothing is. */
  readonly faultOfRead: (content: string | null) => string | null;
}

async function made(kind: Kind, seed: number, root: string, outside: string): Promise<Made> {
  const random = new KeyedRandom(seed, kindNames.indexOf(kind));
  const plain = (mutate: Mutate): Made => ({ mutate, faultOfRead: () => null });
  switch (kind) {
    case "images":
      return plain(await images(random));
    case "tensors": {
      const { mutate, checkpoint } = tensors();
      const path = join(root, "whole.safetensors");
      writeFileSync(path, checkpoint);
      const whole = contentOfCheckpoint(path);
      rmSync(path);
      return {
        mutate,
        faultOfRead: (content) =>
          content === null || content === whole
            ? null
            : "a checkpoint was read that is not as it was written",
      };
    }
    case "pth":
      return plain(pths());
    case "tars":
    case "shards":
      return plain(await tars(random, outside));
    case "texts":
      return plain(await texts());
  }
}

/** Writes a damaged file, and what belongs to it, to a folder of its own. Returns its path. */
function write(folder: string, { name, bytes, beside = {} }: Mutated): string {
  for (const [file, content] of [[name, bytes] as const, ...Object.entries(beside)]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  return join(folder, name);
}

/** Why a file fell through; null where it did not. */
function whyFallen(outcome: Outcome, faultOfRead: Made["faultOfRead"]): string | null {
  switch (outcome.kind) {
    case "read":
      return faultOfRead(outcome.content);
    case "refused":
      return null;
    case "untyped":
      return outcome.message;
    case "crashed":
      return `the process ended: ${outcome.message}`;
    case "hung":
      return `it took longer than ${outcome.seconds} s`;
    case "too much memory":
      return `it took ${(outcome.peak / 1e9).toFixed(2)} GB of memory`;
  }
}

/**
 * Reads `files` damaged files. A file that crashes or hangs its process, takes too much memory, writes anything anywhere, runs
 * code, or ends in an error without a type, has fallen through and is kept.
 */
export async function countFiles(options: CountOptions): Promise<Count> {
  const { kind, files, seed, from = 0, keep, onFallen = () => {}, reading } = options;
  const root = mkdtempSync(join(tmpdir(), "salmask-faults-"));
  // Code that is run, and names that lead outside, would leave a file in one of these.
  const [outside, cases] = ["outside", "cases"].map((name) => join(root, name));
  for (const folder of [outside, cases]) mkdirSync(folder);
  const { mutate, faultOfRead } = await made(kind, seed, root, outside);
  let [read, seconds, peak] = [0, 0, 0];
  let wasEnded = false;
  const [refused, damage] = [new Map<string, number>(), new Map<string, number>()];
  const fallen: Fallen[] = [];
  const countUp = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  try {
    await reading.ready();
    for (let index = from; index < from + files; index++) {
      const file = mutate(new KeyedRandom(seed, kindNames.indexOf(kind), index), index);
      countUp(damage, file.how);
      const folder = join(cases, "case");
      const path = write(folder, file);
      const began = performance.now();
      const outcome = await reading.read(kind, path);
      // A process that was just started again is loading; what ended the one before is told of that file.
      if (!wasEnded) seconds = Math.max(seconds, (performance.now() - began) / 1000);
      wasEnded = !("content" in outcome || "code" in outcome || outcome.kind === "untyped");
      if ("peak" in outcome) peak = Math.max(peak, outcome.peak);
      const strays = [outside, reading.cwd].flatMap((place) =>
        readdirSync(place).map((name) => join(place, name)),
      );
      strays.push(
        ...straysIn(folder, file),
        ...readdirSync(root).filter((name) => !["outside", "cases"].includes(name)),
      );
      const why =
        strays.length > 0 ? `files were written: ${strays.join(", ")}` : whyFallen(outcome, faultOfRead);
      if (why !== null) {
        const kept = join(keep, `${kind}-${index}`);
        mkdirSync(keep, { recursive: true });
        rmSync(join(folder, "cache"), { recursive: true, force: true });
        cpSync(folder, kept, { recursive: true });
        fallen.push({ kind, index, how: file.how, why, path: join(kept, file.name) });
        onFallen(fallen[fallen.length - 1]);
      } else if (outcome.kind === "refused") countUp(refused, outcome.code);
      else read++;
      rmSync(folder, { recursive: true });
      for (const stray of strays) rmSync(stray, { recursive: true, force: true });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return { kind, files, read, refused, damage, fallen, seconds, peak };
}

/** What lies in the folder of a file beside it and the cache, which a dataset may write. */
function straysIn(folder: string, { name, beside = {} }: Mutated): string[] {
  const expected = new Set([name, ...Object.keys(beside)]);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !expected.has(path) && !path.startsWith("cache/"))
    .map((path) => join(folder, path));
}
