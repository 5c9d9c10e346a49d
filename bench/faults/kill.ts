/** Kills tiny runs at random moments, goes on with them, and compares their weights with an uninterrupted run's. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeyedRandom } from "@salmask/torch";
import { listCheckpoints, loadCheckpoint } from "../../packages/salmask/src/training/checkpoint.js";
import { pick } from "./mutate/bytes.js";
import { ended, prepare, start, stepsPerEpoch, type TinyRun, weightsOf } from "./tiny-runs.js";

const hook = fileURLToPath(new URL("kill-while-saving.mjs", import.meta.url));
const moments = ["open", "write", "write", "write", "sync", "rename", "renamed"] as const;
/** A checkpoint of the smallest run is written by more calls than this. */
const mostWrites = 60;

export interface KillOptions {
  readonly seed: number;
  readonly runs: number;
  /** Kills of each run; every second one falls within the writing of a checkpoint. */
  readonly kills: number;
  readonly epochs: number;
  readonly onFallen?: (fallen: string) => void;
}

export interface KillCount {
  readonly runs: number;
  readonly kills: number;
  /** Kills while a checkpoint was written. */
  readonly whileSaving: number;
  /** Checkpoints that were found after kills, each read to its last byte. */
  readonly checkpoints: number;
  readonly fallen: readonly string[];
}

interface Reference {
  readonly weights: Buffer;
  /** Milliseconds of the whole process, and until its first step. */
  readonly duration: number;
  readonly firstStep: number;
}

const stepsLogged = (out: string) => {
  const path = join(out, "metrics.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
};

async function uninterrupted(run: TinyRun): Promise<Reference> {
  const out = join(run.folder, "whole");
  const began = performance.now();
  const child = start(run, { out });
  let firstStep = 0;
  const look = setInterval(() => {
    if (firstStep === 0 && stepsLogged(out) > 0) firstStep = performance.now() - began;
  }, 5);
  const end = await ended(child);
  clearInterval(look);
  if (end.code !== 0) throw new Error(`Expected an uninterrupted run to finish, got: ${end.err}`);
  return { weights: weightsOf(out), duration: performance.now() - began, firstStep };
}

/** What is wrong with what a kill left; null where nothing is. The count of checkpoints that were read. */
function look(
  out: string,
  newestBefore: number,
): { fault: string | null; checkpoints: number; newest: number } {
  const paths = listCheckpoints(join(out, "checkpoints"));
  let newest = 0;
  for (const path of paths) {
    try {
      using checkpoint = loadCheckpoint(path);
      newest = Math.max(newest, checkpoint.position.step);
    } catch (error) {
      return { fault: `${path} cannot be read: ${error}`, checkpoints: paths.length, newest: newestBefore };
    }
  }
  // A step is logged after the checkpoint before it was written.
  const due = Math.floor((stepsLogged(out) - 1) / stepsPerEpoch) * stepsPerEpoch;
  const least = Math.max(newestBefore, due);
  const fault = newest < least ? `expected a checkpoint of step ${least}, got that of step ${newest}` : null;
  return { fault, checkpoints: paths.length, newest };
}

async function killed(
  child: ReturnType<typeof start>,
  after: number | null,
): Promise<Awaited<ReturnType<typeof ended>>> {
  const timer = after === null ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
  const end = await ended(child);
  clearTimeout(timer);
  return end;
}

/** Carries out the runs with their kills. */
export async function countKills(options: KillOptions): Promise<KillCount> {
  const { seed, runs, kills, epochs, onFallen = () => {} } = options;
  const root = mkdtempSync(join(tmpdir(), "salmask-faults-"));
  const fallen: string[] = [];
  let [done, whileSaving, checkpoints] = [0, 0, 0];
  try {
    for (let index = 0; index < runs; index++) {
      const folder = join(root, String(index));
      const run: TinyRun = { folder, cache: join(folder, "cache"), index, epochs };
      await prepare(run);
      const reference = await uninterrupted(run);
      rmSync(run.cache, { recursive: true });
      const random = new KeyedRandom(seed, index);
      const out = join(folder, "killed");
      const fall = (what: string) => {
        fallen.push(`run ${index}: ${what}`);
        onFallen(fallen[fallen.length - 1]);
      };
      const finish = (end: Awaited<ReturnType<typeof ended>>) => {
        if (end.code !== 0) fall(`it did not finish: ${end.err.slice(-1000)}`);
        else if (!weightsOf(out).equals(reference.weights))
          fall("its weights are not those of the uninterrupted run");
        else if (readdirSync(join(out, "checkpoints")).some((name) => name.endsWith(".tmp")))
          fall("it left a part of a checkpoint");
      };
      const resume = () => listCheckpoints(join(out, "checkpoints")).length > 0;
      let newest = 0;
      for (let kill = 0; kill < kills; ) {
        const isSaving = kill % 2 === 1;
        const plan = [1 + random.integer(2), pick(random, moments), random.integer(mostWrites)].join();
        // At most a fifth of the training is done between two kills, so that there is training left for all of them.
        const { duration, firstStep } = reference;
        const after = random.uniformIn(0, firstStep + (duration - firstStep) / 5);
        const child = isSaving
          ? start(run, { out, resume: resume(), imports: [hook], env: { SALMASK_KILL: plan } })
          : start(run, { out, resume: resume() });
        const end = await killed(child, isSaving ? null : after);
        if (end.signal !== "SIGKILL") {
          // It ended before the moment came: another run of the same settings takes the kills that are left.
          finish(end);
          rmSync(out, { recursive: true, force: true });
          newest = 0;
          if (end.code !== 0) break;
          continue;
        }
        kill++;
        done++;
        if (isSaving) whileSaving++;
        const found = look(out, newest);
        checkpoints += found.checkpoints;
        newest = found.newest;
        if (found.fault !== null)
          fall(`after ${isSaving ? plan : `${Math.round(after)} ms`}: ${found.fault}`);
      }
      finish(await ended(start(run, { out, resume: resume() })));
      rmSync(folder, { recursive: true });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  return { runs, kills: done, whileSaving, checkpoints, fallen };
}
