/** Runs on disks that fill: each must stop with a clear message and whole checkpoints, and go on when there is room. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyedRandom } from "@salmask/torch";
import { listCheckpoints, loadCheckpoint } from "../../packages/salmask/src/training/checkpoint.js";
import { SmallDisk } from "./disk.js";
import { type Ended, ended, prepare, start, type TinyRun, weightsOf } from "./tiny-runs.js";

export interface FullDiskOptions {
  readonly seed: number;
  /** Number of disks, of sizes from almost nothing to almost enough. */
  readonly disks: number;
  readonly epochs: number;
  readonly onFallen?: (fallen: string) => void;
}

export interface FullDiskCount {
  /** Disks that filled. */
  readonly filled: number;
  /** Those of them that held a checkpoint by then. */
  readonly withCheckpoint: number;
  readonly fallen: readonly string[];
}

/** Lines of a stack trace, which no message for people has. */
const stackLine = /^ {4}at .+[:)]\d*/m;

/** What is wrong with how a run ended that had to refuse; null where nothing is. */
export function faultOfRefusal({ code, signal, error, err }: Ended): string | null {
  if (signal !== null) return `it ended by ${signal}`;
  if (code === 0) return "it ended as if all was well";
  if (error === null) return `it gave no error for programs: ${err.slice(-1000)}`;
  if (error.code === "unexpected" || stackLine.test(err))
    return `it ended in a stack trace: ${err.slice(-1000)}`;
  return null;
}

function unreadable(paths: readonly string[]): string | null {
  for (const path of paths) {
    try {
      loadCheckpoint(path)[Symbol.dispose]();
    } catch (error) {
      return `${path} cannot be read: ${error}`;
    }
  }
  return null;
}

/** Enough for every run. */
const plenty = 2 ** 28;

/** Fills the disks; null where no disk may be mounted. */
export async function countFullDisks(options: FullDiskOptions): Promise<FullDiskCount | null> {
  const { seed, disks, epochs, onFallen = () => {} } = options;
  const root = mkdtempSync(join(tmpdir(), "salmask-faults-"));
  const fallen: string[] = [];
  const fall = (what: string) => {
    fallen.push(what);
    onFallen(what);
  };
  let [filled, withCheckpoint] = [0, 0];
  try {
    const run: TinyRun = { folder: join(root, "run"), cache: join(root, "cache"), index: 0, epochs };
    await prepare(run);
    using first = SmallDisk.of(plenty);
    if (first === null) return null;
    const whole = join(first.path, "run");
    const end = await ended(start(run, { out: whole }));
    if (end.code !== 0) throw new Error(`Expected a run with enough room to finish, got: ${end.err}`);
    const expected = weightsOf(whole);
    const needed = first.used;
    const random = new KeyedRandom(seed, 1);
    for (let i = 0; i < disks; i++) {
      using disk = SmallDisk.of(Math.round(needed * random.uniformIn((i + 0.1) / disks, (i + 0.9) / disks)));
      if (disk === null) return null;
      const out = join(disk.path, "run");
      const stopped = await ended(start(run, { out }));
      const name = `disk ${i + 1} of ${disks}`;
      const checkpoints = listCheckpoints(join(out, "checkpoints"));
      const isResumable = checkpoints.length > 0;
      filled++;
      if (isResumable) withCheckpoint++;
      const refusal = faultOfRefusal(stopped);
      if (refusal !== null) fall(`${name}: ${refusal}`);
      else if (stopped.error?.code !== "disk-full")
        fall(`${name}: got the error ${stopped.error?.code}: ${stopped.error?.message}`);
      else if (stopped.error.message.includes("run the same command with --resume") && !isResumable)
        fall(`${name}: it offers --resume without a checkpoint`);
      const damage = unreadable(checkpoints);
      if (damage !== null) fall(`${name}: ${damage}`);
      disk.resize(plenty);
      const resumed = await ended(start(run, { out, resume: isResumable }));
      if (resumed.code !== 0) fall(`${name}: with room it did not go on: ${resumed.err.slice(-1000)}`);
      else if (!weightsOf(out).equals(expected))
        fall(`${name}: its weights are not those of the uninterrupted run`);
    }
    return { filled, withCheckpoint, fallen };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Starts runs where files cannot be written or opened; null where no disk may be mounted. */
export async function countLimits(
  onFallen: (fallen: string) => void,
): Promise<{ tried: number; fallen: number } | null> {
  const root = mkdtempSync(join(tmpdir(), "salmask-faults-"));
  let [tried, fallen] = [0, 0];
  const expectRefusal = (what: string, end: Ended) => {
    tried++;
    const fault = faultOfRefusal(end);
    if (fault === null) return;
    fallen++;
    onFallen(`${what}: ${fault}`);
  };
  try {
    const run: TinyRun = { folder: join(root, "run"), cache: join(root, "cache"), index: 0, epochs: 2 };
    await prepare(run);
    using disk = SmallDisk.of(plenty);
    if (disk === null) return null;
    const out = join(disk.path, "run");
    await ended(start(run, { out }));
    disk.makeReadOnly();
    expectRefusal(
      "a new run on a disk that can only be read",
      await ended(start(run, { out: join(disk.path, "new") })),
    );
    expectRefusal(
      "a resumed run on a disk that can only be read",
      await ended(start(run, { out, resume: true })),
    );
    for (const kibibytes of [0, 1, 4, 100, 400]) {
      const end = await ended(
        start(run, { out: join(root, `size-${kibibytes}`), limits: `ulimit -f ${kibibytes}` }),
      );
      expectRefusal(`files of at most ${kibibytes} KiB`, end);
    }
    for (const files of [24, 28, 32, 40]) {
      const end = await ended(
        start(run, { out: join(root, `files-${files}`), limits: `ulimit -n ${files}` }),
      );
      // With more of them allowed than a run needs, it ends well.
      if (end.code === 0) tried++;
      else expectRefusal(`at most ${files} open files`, end);
    }
    return { tried, fallen };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
