/** Whether memory and open files stay as they are in a long run: the command line trains a tiny network for 20,000 steps. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { processMemory } from "../packages/salmask/src/base/process-memory.js";
import { generateEmbedded } from "../packages/salmask/src/data/embedded/generate.js";
import { median } from "./rows.js";

const salmask = fileURLToPath(new URL("../packages/salmask/bin/salmask.js", import.meta.url));

const steps = 20_000;
/** What comes before is the start: code is compiled, pools of memory fill. */
const settledAfter = 1000;
/** Medians of so many steps are compared: garbage is collected now and then, and a file that is being written is open for a moment. */
const windowSteps = 1000;
const logEvery = 50;
const photos = 32;
const batchSize = 4;
/** The most by which memory may grow, as a share of what it was. */
const mayGrow = 0.02;

/** Everything that happens now and then in a run: logs, checkpoints, scores, looks, saliency that is found anew. */
const settings = (folder: string) => ({
  precision: "float32",
  threads: 1,
  data: { crop: 16, size: 16, cache: join(folder, "cache") },
  model: { arch: "resnet18", width: 8, stem: "small" },
  method: { queue: 8, dim: 8, groups: 2 },
  saliency: { source: "own", scope: "photo", warmupEpochs: 1, refreshEvery: 50 },
  train: {
    epochs: (steps * batchSize) / photos,
    batchSize,
    logEvery,
    checkpointEvery: 50,
    varianceEvery: 50,
    knnEvery: 50,
    lr: 0.001,
  },
});

interface Sample {
  readonly step: number;
  /** Memory that the process asked for, in bytes: resident or swapped out. */
  readonly own: number;
  /** Resident memory in bytes, with the pages of libraries and other files, which the system takes away and reads again as it likes. */
  readonly resident: number;
  readonly openFiles: number;
}

function sampleOf(pid: number, step: number): Sample | null {
  const [anonymous, swapped, resident] = (["RssAnon", "VmSwap", "VmRSS"] as const).map((which) =>
    processMemory(which, pid),
  );
  if (anonymous === null || swapped === null || resident === null) return null;
  try {
    return { step, own: anonymous + swapped, resident, openFiles: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null; // The process has ended.
  }
}

/** Trains in a process, and looks at it whenever it has logged a step. */
async function watch(folder: string): Promise<Sample[]> {
  const pictures = join(folder, "pictures");
  await generateEmbedded(pictures, { train: photos, test: 1, size: 32, classes: 2 });
  const config = join(folder, "run.json"); // JSON is also YAML
  writeFileSync(config, JSON.stringify(settings(folder)));
  const out = join(folder, "run");
  const args = ["pretrain", join(pictures, "train"), "--out", out, "--config", config, "--tensorboard"];
  // As npx starts it: by its first line, which also limits the heaps.
  const child = spawn(salmask, args, { stdio: ["ignore", "pipe", "inherit"] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`Expected ${salmask} to start, got no process.`);
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const samples: Sample[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const step = /\bstep (\d+)\/\d+/.exec(line)?.[1];
    const sample = step === undefined ? null : sampleOf(pid, Number(step));
    if (sample !== null) samples.push(sample);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`Expected the run to end with 0, got ${code}.`);
  return samples;
}

const inMebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

/** Prints what was seen, and in the last line whether the claim holds, which it returns. */
export async function claim(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "salmask-flat-"));
  try {
    const samples = await watch(folder);
    const windows = Array.from({ length: (steps - settledAfter) / windowSteps }, (_, i) => {
      const from = settledAfter + i * windowSteps;
      const inside = samples.filter(({ step }) => step > from && step <= from + windowSteps);
      return {
        from,
        seen: inside.length,
        own: median(inside.map(({ own }) => own)),
        resident: median(inside.map(({ resident }) => resident)),
        openFiles: median(inside.map(({ openFiles }) => openFiles)),
        mostFiles: Math.max(...inside.map(({ openFiles }) => openFiles)),
      };
    });
    for (const { from, seen, own, resident, openFiles, mostFiles } of windows)
      console.log(
        `steps ${from + 1} to ${from + windowSteps}: ${inMebibytes(own)} MiB of its own, ${inMebibytes(resident)} resident, ${openFiles} open files (medians of ${seen}; at most ${mostFiles} files)`,
      );
    const [first, ...later] = windows;
    const growth = Math.max(...later.map(({ resident }) => resident)) / first.resident - 1;
    const moreFiles = Math.max(...later.map(({ openFiles }) => openFiles)) - first.openFiles;
    const holds = growth <= mayGrow && moreFiles <= 0;
    console.log(
      `${holds ? "held" : "NOT HELD"}: after step ${settledAfter} memory grew by at most ${(100 * growth).toFixed(2)} % (${100 * mayGrow} % allowed), open files by ${moreFiles}`,
    );
    return holds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
