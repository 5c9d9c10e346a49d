/** Trains a tiny network from shards for some steps, in two processes, and looks at the memory that it takes. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { processMemory } from "../../packages/salmask/src/base/process-memory.js";
import { side } from "./numbered-photos.js";

const salmask = fileURLToPath(new URL("../../packages/salmask/bin/salmask.js", import.meta.url));

const settings = (cache: string) => ({
  precision: "float32",
  threads: 1,
  data: { crop: side, size: side, cache },
  model: { arch: "resnet18", width: 8, stem: "small" },
  method: { queue: 512, dim: 16, groups: 2 },
  saliency: { source: "spectral-residual", scope: "photo" },
  train: { epochs: 2, batchSize: 250, logEvery: 10, varianceEvery: 0, lr: 0.01 },
});

interface TrainFrom {
  readonly folder: string;
  readonly cache: string;
  readonly steps: number;
}

/** Trains until `steps` steps are done, and again until twice as many are. Returns the most resident memory in bytes, of each process. */
export async function trainFrom(
  photos: string,
  { folder, cache, steps }: TrainFrom,
): Promise<readonly [number, number]> {
  const config = join(folder, "run.json"); // JSON is also YAML
  writeFileSync(config, JSON.stringify(settings(cache)));
  const args = ["pretrain", photos, "--out", join(folder, "run"), "--config", config];
  const first = await untilStep(steps, args);
  return [first, await untilStep(2 * steps, [...args, "--resume"])];
}

async function untilStep(steps: number, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [salmask, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((done) => child.on("close", done));
  let most = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const step = Number(/\bstep (\d+)\/\d+/.exec(line)?.[1] ?? 0);
    if (step === 0) continue;
    if (child.pid !== undefined) most = Math.max(most, processMemory("VmHWM", child.pid) ?? 0);
    if (step >= steps && !child.killed) child.kill("SIGINT");
  }
  const code = await ended;
  if (code !== 130) throw new Error(`Expected the run to be interrupted with 130, got ${code}.`);
  return most;
}
