/** The place of this process in a group that something else has started: torchrun, Slurm, Kubernetes or `--processes`. */
import { UsageError } from "../base/errors.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Place {
  /** 0 to `worldSize - 1`. */
  readonly rank: number;
  /** At least 2. */
  readonly worldSize: number;
  /** Among the processes on this machine. */
  readonly localRank: number;
  /** Where rank 0, or the one that started all, serves the store through which the processes meet. */
  readonly host: string;
  readonly port: number;
  /** Whether the one that started all serves it. */
  readonly isServedByStarter: boolean;
  /** How often all processes were started again. */
  readonly restarts: number;
}

/** The port of torch.distributed where none is given. */
const usualPort = 29500;

/** The variables that say a process's place, by who sets them. */
const torchrun = { rank: "RANK", worldSize: "WORLD_SIZE", localRank: "LOCAL_RANK" } as const;
const slurm = { rank: "SLURM_PROCID", worldSize: "SLURM_NTASKS", localRank: "SLURM_LOCALID" } as const;

/**
 * The place that the environment gives this process: by torchrun's variables, else by those that Slurm's srun sets, with MASTER_ADDR and
 * MASTER_PORT (default 29500). null for a process alone. Throws {@link UsageError} `bad-environment`.
 */
export function placeIn(environment: Environment): Place | null {
  const names = environment.RANK !== undefined && environment.WORLD_SIZE !== undefined ? torchrun : slurm;
  if (environment[names.rank] === undefined || environment[names.worldSize] === undefined) return null;
  const worldSize = whole(environment, names.worldSize, 1, 2 ** 20);
  if (worldSize === 1) return null;
  const host = environment.MASTER_ADDR;
  if (host === undefined || host === "") {
    throw refused(
      `the address of rank 0's machine in MASTER_ADDR beside ${names.worldSize}=${worldSize}`,
      "none",
      "Set it, or give --processes 1 to train in one process",
    );
  }
  return {
    rank: whole(environment, names.rank, 0, worldSize - 1),
    worldSize,
    localRank: whole(environment, names.localRank, 0, worldSize - 1, 0),
    host,
    port: whole(environment, "MASTER_PORT", 1, 65_535, usualPort),
    isServedByStarter: environment.TORCHELASTIC_USE_AGENT_STORE === "True",
    restarts: restartsIn(environment),
  };
}

/** How often a run was started again, by torchrun, by Slurm, which puts a job back into its queue, or by `--max-restarts`. */
export function restartsIn(environment: Environment): number {
  const name =
    environment.TORCHELASTIC_RESTART_COUNT === undefined
      ? "SLURM_RESTART_COUNT"
      : "TORCHELASTIC_RESTART_COUNT";
  return whole(environment, name, 0, Number.MAX_SAFE_INTEGER, 0);
}

/** How many of the processes that work together are on this machine, as torchrun says; 1 where nobody says it. */
export const processesHere = (environment: Environment): number =>
  whole(environment, "LOCAL_WORLD_SIZE", 1, 2 ** 20, 1);

/**
 * The GPU of this process, as CUDA_VISIBLE_DEVICES names it: of those that it can see, the one with its number on this machine. If it
 * sees one alone, whoever started it has chosen already. Where there are fewer GPUs than processes, some have none.
 */
export function ownGpu(
  { localRank }: Pick<Place, "localRank">,
  { CUDA_VISIBLE_DEVICES: visible }: Environment,
): string {
  if (visible === undefined) return String(localRank);
  const all = visible.split(",");
  return all.length === 1 ? visible : (all[localRank] ?? "");
}

function whole(environment: Environment, name: string, low: number, high: number, usual?: number): number {
  const text = environment[name];
  if (text === undefined && usual !== undefined) return usual;
  const value = /^\d+$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw refused(
    `a whole number from ${low} to ${high} in ${name}`,
    JSON.stringify(text),
    "Mend what starts the processes",
  );
}

const refused = (expected: string, got: string, mend: string) =>
  new UsageError("bad-environment", `Expected ${expected}, got ${got}. ${mend}.`);
