/**
 * Executes an experiment: each run in a separate process. Finished runs are skipped, and a failed run does not stop the
 * others.
 */
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { mapConcurrent } from "../base/concurrent.js";
import { InterruptedError } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import { percent } from "../base/format.js";
import { stringifyYaml } from "../base/yaml.js";
import { differences } from "../config/same-run.js";
import { pretrainSettings, type RunConfig } from "../config/schema.js";
import { toStored } from "../config/stored.js";
import { setOptions } from "../data/sets/data-set.js";
import type { ProbeRecord } from "../runs/records.js";
import { RunFolder } from "../runs/run-folder.js";
import { setOthersAside } from "../runs/set-aside.js";
import { loggedIn } from "./logged.js";
import type { Plan, Row } from "./plan.js";

/** The result of one run of a row. Shares are 0 to 1. */
export type RunResult =
  | {
      kind: "done";
      row: string;
      seed: number;
      knn: number;
      linear: number;
      seconds: number;
      /** The plan's numbers of the run's log, by their texts; those that the run did not log are missing. */
      logs: Record<string, number>;
    }
  | { kind: "failed"; row: string; seed: number; why: string };

export interface ExecuteOptions {
  plan: Plan;
  /** Contains one folder per run: `ROW/seed-N`. */
  out: string;
  /** Number of simultaneous runs; the cores are divided among them. */
  jobs: number;
  /** Whether runs write TensorBoard's event files too. Default false. */
  tensorboard?: boolean;
  signal?: AbortSignal;
  report?: (line: string) => void;
}

const salmask = fileURLToPath(new URL("../../bin/salmask.js", import.meta.url));

/** Threads per run: the cores are divided among simultaneous runs. */
export const threadsOf = (jobs: number): number => Math.max(1, Math.floor(availableParallelism() / jobs));

/** Executes the runs that are not finished, and returns the result of every run, row by row. */
export async function execute(options: ExecuteOptions): Promise<RunResult[]> {
  const { plan, out, jobs, tensorboard = false, signal, report = () => {} } = options;
  const { photos, probe, masks } = await findPhotos(plan, out);
  const threads = threadsOf(jobs);
  const runs = plan.rows.flatMap((row) => plan.seeds.map((seed) => ({ row, seed })));
  const one = async ({ row, seed }: { row: Row; seed: number }): Promise<RunResult> => {
    const folder = join(out, row.slug, `seed-${seed}`);
    const { maps = masks, truth = masks } = row.config.saliency;
    const saliency = { ...row.config.saliency, maps, truth };
    const config: RunConfig = { ...row.config, saliency, seed, threads };
    const label = `${row.name}, seed ${seed}`;
    const wanted: WantedResult = { photos: resolve(probe), protocol: plan.protocol, seed, logs: plan.logs };
    try {
      if (signal?.aborted === true)
        return { kind: "failed", row: row.name, seed, why: "stopped before it began" };
      const moved = await moveOthersAside(folder, config);
      if (moved !== null) report(`${label}: ${moved}`);
      const done = resultOf(folder, row.name, wanted);
      if (done !== null) {
        report(`${label}: done before`);
        return done;
      }
      report(`${label}: starting`);
      await mkdir(folder, { recursive: true });
      const resume = new RunFolder(folder).hasCheckpoints ? ["--resume"] : [];
      const events = tensorboard ? ["--tensorboard"] : [];
      const settings = join(folder, "..", `seed-${seed}.yaml`);
      await writeFileAtomic(settings, stringifyYaml(toStored(pretrainSettings, config)));
      await call(["pretrain", photos, "--out", folder, "--config", settings, ...resume, ...events], signal);
      await call(["probe", folder, probe, "--seed", String(seed), "--protocol", plan.protocol], signal);
      const result = resultOf(folder, row.name, wanted);
      if (result === null) throw new Error("the run left no result");
      report(`${label}: kNN ${percent(result.knn, 1)}, linear ${percent(result.linear, 1)}`);
      return result;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      report(`${label}: failed: ${why}`);
      return { kind: "failed", row: row.name, seed, why };
    }
  };
  const results = await mapConcurrent(runs, jobs, one);
  if (signal?.aborted === true) {
    throw new InterruptedError(
      "Stopped; the same command goes on with what is left, each run from its checkpoint.",
    );
  }
  return results;
}

interface Data {
  photos: string;
  probe: string;
  /** True masks, if the data set has them. */
  masks?: string;
}

async function findPhotos({ photos }: Plan, out: string): Promise<Data> {
  if (photos.kind === "folder") return photos;
  const folder = join(out, "embedded");
  const { generateEmbedded } = await import("../data/embedded/generate.js");
  await generateEmbedded(folder, photos.options);
  return { photos: join(folder, "train"), probe: folder, masks: join(folder, "masks", "train") };
}

/** Sets a run with other settings aside, from an older version of the experiment's file; null if there is none. */
async function moveOthersAside(folder: string, config: RunConfig): Promise<string | null> {
  const run = new RunFolder(folder);
  return run.hasConfig ? setOthersAside(folder, differences(run.readConfig(), config)) : null;
}

type WantedProbe = Pick<ProbeRecord, "protocol" | "seed"> & { photos: string };
type WantedResult = WantedProbe & Pick<Plan, "logs">;

/** The result of the run in the folder; null if it has not ended, or was not probed in the wanted way. */
function resultOf(folder: string, row: string, wanted: WantedResult): (RunResult & { kind: "done" }) | null {
  const run = new RunFolder(folder);
  const [probe, summary] = [
    run.readProbes().findLast((record) => isWanted(record, wanted)),
    run.readSummary(),
  ];
  if (probe === undefined || summary === null) return null;
  const { knn, linear } = probe;
  const { seed } = wanted;
  const entries = wanted.logs.length === 0 ? [] : run.log.read();
  const numbers = wanted.logs.flatMap((number) => {
    const value = loggedIn(entries, number);
    return value === null ? [] : [[number.text, value] as const];
  });
  const { seconds } = summary;
  return {
    kind: "done",
    row,
    seed,
    knn: knn.top1,
    linear: linear.top1,
    seconds,
    logs: Object.fromEntries(numbers),
  };
}

/** People may probe a run of an experiment in other ways, too. */
function isWanted(record: ProbeRecord, { photos, protocol, seed }: WantedProbe): boolean {
  if (record.protocol !== protocol || record.labels !== "all") return false;
  if (record.heldOut !== null && record.heldOut !== setOptions({}).heldOut) return false;
  // Earlier releases did not write down the photos and the seed; only the experiment itself probed its runs then.
  if (record.photos.length === 0) return true;
  return record.seed === seed && record.photos.length === 1 && record.photos[0] === photos;
}

/** Runs a command of this package. If it fails, throws the last lines of its output. */
async function call(args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  // In a separate process group: a terminal's interrupt must reach it once, through this process, and not twice.
  const child = spawn(process.execPath, [salmask, ...args], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data) => {
    said = `${said}${data}`.slice(-4000);
  });
  const stop = () => void child.kill("SIGINT");
  signal?.addEventListener("abort", stop);
  process.once("exit", stop);
  try {
    const code = await new Promise<number | null>((done, fail) => child.on("close", done).on("error", fail));
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${lastMessage(said)}`);
  } finally {
    signal?.removeEventListener("abort", stop);
    process.off("exit", stop);
  }
}

/** The error message of our own commands, on one line; for other failures the last line. */
function lastMessage(said: string): string {
  const at = said.lastIndexOf("salmask: ");
  const lines = (at < 0 ? said : said.slice(at + 9)).trim().split("\n");
  return (at < 0 ? lines.at(-1) : lines[0]) ?? "";
}
