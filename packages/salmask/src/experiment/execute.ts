/**
 * Executes an experiment: each run in a separate process. Finished runs are skipped, and a failed run does not stop the
 * others.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { mapConcurrent } from "../base/concurrent.js";
import { InterruptedError, messageOf } from "../base/errors.js";
import { type Report, type RunEvent, silent } from "../base/events.js";
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
import { TimeLeft } from "../transfer/time-left.js";
import { call } from "./call.js";
import type { DoneRun, KeptResults } from "./kept-results.js";
import { loggedIn } from "./logged.js";
import {
  drawnHere,
  drawPhotos,
  isProbedOnOthers,
  noteLearned,
  noteProbed,
  otherPhotos,
  type PhotosHere,
  photosHere,
  placesOf,
} from "./photos.js";
import type { Plan, Row } from "./plan.js";

/** The result of one run of a row. Shares are 0 to 1. */
export type RunResult = DoneRun | { kind: "failed"; row: string; seed: number; why: string };

export interface ExecuteOptions {
  plan: Plan;
  /** Contains one folder per run: `ROW/seed-N`. */
  out: string;
  /** Number of simultaneous runs; the cores are divided among them. */
  jobs: number;
  /** Runs whose results are here are not run; new results are added. */
  kept?: KeptResults;
  /** Whether runs write TensorBoard's event files too. Default false. */
  tensorboard?: boolean;
  signal?: AbortSignal;
  /** Aborting it ends the runs at work with a checkpoint each, as `signal` does, but nothing is thrown. */
  until?: AbortSignal;
  report?: Report;
}

/** Threads per run: the cores are divided among simultaneous runs. */
export const threadsOf = (jobs: number): number => Math.max(1, Math.floor(availableParallelism() / jobs));

/**
 * Executes the runs that are not finished, and returns the result of every run, row by row; after `until`, of those that have ended. Throws
 * {@link InterruptedError}.
 */
export async function execute(options: ExecuteOptions): Promise<RunResult[]> {
  const { plan, out, jobs, kept, tensorboard = false, until, report = silent } = options;
  await drawPhotos(plan, out, { signal: options.signal, report });
  const { photos, probe, masks } = placesOf(plan, out);
  const here = await photosHere(plan, out);
  const drawn = drawnHere(here);
  const signal = AbortSignal.any([options.signal, until].filter((one) => one !== undefined));
  const threads = threadsOf(jobs);
  const runs = plan.rows.flatMap((row) => plan.seeds.map((seed) => ({ row, seed })));
  const left = new TimeLeft(
    runs.map(({ row }) => row.name),
    true,
  );
  const steps = new StepsAtWork(report);
  let ended = 0;
  const tell = (state: Extract<RunEvent, { kind: "cell" }>["state"], name: string, outcome: string) =>
    report({
      kind: "cell",
      name,
      state,
      outcome,
      done: ended,
      total: runs.length,
      left: left.seconds === null ? null : left.seconds / jobs,
    });
  const one = async ({ row, seed }: { row: Row; seed: number }): Promise<RunResult | null> => {
    const folder = join(out, row.slug, `seed-${seed}`);
    const config = configOf(row, { seed, masks, threads });
    const label = `${row.name}, seed ${seed}`;
    const wanted = wantedOf(plan, { probe, seed });
    const setAside = async (differences: readonly string[]) => {
      const moved = await setOthersAside(folder, differences);
      if (moved !== null) report({ kind: "note", message: `${label}: ${moved}` });
    };
    try {
      if (signal.aborted) return finishedRun(plan, { row, seed, out, here, kept });
      const known = kept?.find({ plan, row, seed, drawn }) ?? null;
      if (known !== null) {
        ended++;
        left.end(row.name, known.seconds);
        tell("reused", label, scoresOf(known));
        return known;
      }
      await setAside(othersIn(folder, config, here));
      const done = resultOf(folder, row.name, wanted, here);
      if (done !== null) {
        ended++;
        left.end(row.name, done.seconds);
        // For a run of before photos were written down, so that it is known by these from now on.
        await noteProbed(folder, here);
        await kept?.add({ plan, row, seed, drawn }, done);
        tell("reused", label, scoresOf(done));
        return done;
      }
      await setAside(missingEncoders(folder, plan));
      report({ kind: "note", message: `${label}: starting` });
      const started = performance.now();
      await mkdir(folder, { recursive: true });
      const resume = new RunFolder(folder).hasCheckpoints ? ["--resume"] : [];
      const events = tensorboard ? ["--tensorboard"] : [];
      const settings = join(folder, "..", `seed-${seed}.yaml`);
      await writeFileAtomic(settings, stringifyYaml(toStored(pretrainSettings, config)));
      await noteLearned(folder, here);
      await call(["pretrain", photos, "--out", folder, "--config", settings, ...resume, ...events], {
        signal,
        onLine: (line) => steps.see(label, line),
      });
      const [lacking] = missingEncoders(folder, plan);
      if (lacking !== undefined)
        throw new Error(
          `${lacking}, as it went on from a checkpoint of a smaller lastEpochs. The same command trains it again`,
        );
      const how = ["--protocol", plan.protocol, "--last-epochs", String(plan.lastEpochs)];
      await call(["probe", folder, probe, "--seed", String(seed), ...how], { signal });
      await noteProbed(folder, here);
      const result = resultOf(folder, row.name, wanted, here);
      if (result === null) throw new Error("the run left no result");
      ended++;
      left.end(row.name, (performance.now() - started) / 1000);
      await kept?.add({ plan, row, seed, drawn }, result);
      tell("done", label, scoresOf(result));
      return result;
    } catch (error) {
      if (signal.aborted) return null;
      const why = messageOf(error);
      ended++;
      left.end(row.name, null);
      tell("failed", label, why);
      return { kind: "failed", row: row.name, seed, why };
    } finally {
      steps.end(label);
    }
  };
  const results = (await mapConcurrent(runs, jobs, one)).filter((result) => result !== null);
  if (options.signal?.aborted === true) {
    throw new InterruptedError(
      "Stopped; the same command goes on with what is left, each run from its checkpoint.",
    );
  }
  return results;
}

const scoresOf = ({ knn, linear }: Pick<DoneRun, "knn" | "linear">) =>
  `kNN ${percent(knn, 1)}, linear ${percent(linear, 1)}`;

/** The steps of the runs that are at work, by the lines of their logs. */
class StepsAtWork {
  private readonly runs = new Map<string, { done: number; total: number }>();

  constructor(private readonly report: Report) {}

  see(name: string, line: string): void {
    const [, done, total] = /\bstep (\d+)\/(\d+)\b/.exec(line) ?? [];
    if (done === undefined) return;
    this.runs.set(name, { done: Number(done), total: Number(total) });
    const all = Array.from(this.runs.values());
    const sum = (of: "done" | "total") => all.reduce((total, run) => total + run[of], 0);
    const what = `${Array.from(this.runs.keys()).join("; ")}: steps`;
    this.report({ kind: "progress", what, done: sum("done"), total: sum("total") });
  }

  end(name: string): void {
    this.runs.delete(name);
  }
}

/**
 * In what the run in a folder differs from what is asked for: in its settings, as those of an older version of the experiment's file, or in
 * its photos. Nothing where there is no run.
 */
function othersIn(folder: string, config: RunConfig, here: PhotosHere): string[] {
  const run = new RunFolder(folder);
  if (!run.hasConfig) return [];
  return [...differences(run.readConfig(), config), ...otherPhotos(folder, here)];
}

/**
 * The encoders that a finished run was not asked to keep, when fewer epochs were scored; its training is over, so that it cannot make up for
 * them. Nothing where the run has them, or goes on.
 */
function missingEncoders(folder: string, { lastEpochs }: Plan): string[] {
  const run = new RunFolder(folder);
  if (lastEpochs === 1 || !run.hasConfig || run.readSummary() === null) return [];
  const { epochs } = run.readConfig().train;
  const missing = Array.from({ length: lastEpochs - 1 }, (_, i) => epochs - lastEpochs + 1 + i).filter(
    (done) => !existsSync(run.encoderAfter(done)),
  );
  return missing.length === 0 ? [] : [`it kept no encoder after epoch ${missing.join(", ")}`];
}

type WantedProbe = Pick<ProbeRecord, "protocol" | "seed" | "lastEpochs"> & { photos: string };
type WantedResult = WantedProbe & Pick<Plan, "logs">;

export interface FinishedOptions {
  readonly row: Row;
  readonly seed: number;
  readonly out: string;
  /** The plan's photos. */
  readonly here: PhotosHere;
  readonly kept?: KeptResults;
}

/** The result of a row's run with a seed, if an earlier call has finished it with the same settings and photos; otherwise null. */
export function finishedRun(plan: Plan, { row, seed, out, here, kept }: FinishedOptions): RunResult | null {
  const known = kept?.find({ plan, row, seed, drawn: drawnHere(here) }) ?? null;
  if (known !== null) return known;
  const folder = join(out, row.slug, `seed-${seed}`);
  const run = new RunFolder(folder);
  if (!run.hasConfig) return null;
  const { probe, masks } = placesOf(plan, out);
  if (othersIn(folder, configOf(row, { seed, masks, threads: 1 }), here).length > 0) return null;
  return resultOf(folder, row.name, wantedOf(plan, { probe, seed }), here);
}

const wantedOf = (
  { protocol, lastEpochs, logs }: Plan,
  { probe, seed }: { probe: string; seed: number },
): WantedResult => ({
  photos: resolve(probe),
  protocol,
  lastEpochs,
  seed,
  logs,
});

function configOf(
  { config }: Row,
  { seed, masks, threads }: { seed: number; masks: string | undefined; threads: number },
): RunConfig {
  const { maps = masks, truth = masks } = config.saliency;
  return { ...config, saliency: { ...config.saliency, maps, truth }, seed, threads };
}

/** The result of the run in the folder; null if it has not ended, or was not probed in the wanted way on the labelled photos of now. */
function resultOf(folder: string, row: string, wanted: WantedResult, here: PhotosHere): DoneRun | null {
  if (isProbedOnOthers(folder, here)) return null;
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
function isWanted(record: ProbeRecord, { photos, protocol, seed, lastEpochs }: WantedProbe): boolean {
  if (record.protocol !== protocol || record.lastEpochs !== lastEpochs || record.labels !== "all")
    return false;
  if (record.heldOut !== null && record.heldOut !== setOptions({}).heldOut) return false;
  // Earlier releases did not write down the photos and the seed; only the experiment itself probed its runs then.
  if (record.photos.length === 0) return true;
  return record.seed === seed && record.photos.length === 1 && record.photos[0] === photos;
}
