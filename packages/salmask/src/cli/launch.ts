/** Starts a command several times on this machine, as the ranks of one group, and looks after them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { launchedVariable } from "./launched.js";
import type { Streams } from "./output.js";

export interface Launch {
  /** The command line of each process, as this one got it. */
  readonly argv: readonly string[];
  readonly processes: number;
  /** How often all are started again after one has failed. */
  readonly maxRestarts: number;
  readonly isJson: boolean;
  readonly streams: Streams;
  /** Aborting asks every process to end after its step. */
  readonly signal: AbortSignal;
}

/** Milliseconds in which the others may find out for themselves that one has failed, and then in which they may end when asked. */
const grace = { find: 10_000, end: 5_000 };
const exits = { failed: 1, usage: 2, interrupted: 130 } as const;
const salmask = fileURLToPath(new URL("../../bin/salmask.js", import.meta.url));

/** How a process ended. */
interface Ended {
  readonly rank: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How all processes of an attempt ended. */
interface Attempt {
  /** In the order in which they ended. */
  readonly ended: readonly Ended[];
  /** What rank 0 wrote to standard output, with `--json`. */
  readonly document: string;
}

/**
 * Starts the processes and waits for them. Rank 0's output is passed on; errors of the others come with their rank. Where one fails, the
 * others are ended, and all are started again from the last checkpoint, at most `maxRestarts` times. Returns the exit code: 0, 1 with a
 * message that names the rank that failed, 2 where all refuse the command line, 130 where they were interrupted.
 */
export async function launch(options: Launch): Promise<number> {
  const { processes, maxRestarts, streams, signal } = options;
  for (let restarts = 0; ; restarts++) {
    const { ended, document } = await attempt(options, restarts);
    const failed = ended.find(({ code }) => code !== 0);
    if (failed !== undefined && !signal.aborted && !isMeant(failed) && restarts < maxRestarts) {
      streams.err(
        `salmask: rank ${failed.rank} of ${processes} ${said(failed)}; starting all again from the last checkpoint, restart ${restarts + 1} of ${maxRestarts}\n`,
      );
      continue;
    }
    streams.out(document);
    if (failed === undefined) return 0;
    if (signal.aborted) return exits.interrupted;
    if (isMeant(failed) && ended.every(({ code }) => code === failed.code)) return failed.code;
    const message =
      `Expected ${processes} processes that train to the end, got rank ${failed.rank} that ${said(failed)}. ` +
      "The last checkpoint stands: go on with --resume, and let --max-restarts do so by itself.";
    streams.err(`salmask: ${message}\n`);
    if (options.isJson && document === "")
      streams.out(`${JSON.stringify({ error: { code: "rank-failed", message } }, null, 2)}\n`);
    return exits.failed;
  }
}

/** Whether a process says that it is of no use to start it again. */
const isMeant = (end: Ended): end is Ended & { code: number } =>
  end.code === exits.usage || end.code === exits.interrupted;

const said = ({ code, signal }: Ended) =>
  signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;

async function attempt(options: Launch, restarts: number): Promise<Attempt> {
  const { argv, processes, isJson, streams, signal } = options;
  const port = await freePort();
  let document = "";
  const held: string[][] = [];
  const children = Array.from({ length: processes }, (_, rank) => {
    const output = rank > 0 ? "ignore" : isJson ? "pipe" : "inherit";
    const child = spawn(process.execPath, [...process.execArgv, salmask, ...argv], {
      env: environmentOf({ rank, processes, port, restarts }),
      // A terminal's interrupt would come to a process of this group twice: from the terminal and from here.
      detached: true,
      // Through the channel a process notices that this one is gone.
      stdio: ["ignore", output, rank === 0 ? "inherit" : "pipe", "ipc"],
    });
    if (rank === 0) {
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        document += text;
      });
    } else held[rank] = passOn(child, rank, streams);
    return child;
  });
  const stop = () => void children.map((child) => child.kill("SIGTERM"));
  const endAtOnce = () => void children.map((child) => child.kill("SIGKILL"));
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  process.on("exit", endAtOnce);
  try {
    const ended: Ended[] = [];
    const all = children.map(async (child, rank) => {
      const end: Ended = await endOf(child, rank);
      ended.push(end);
      return end;
    });
    await firstFailure(all);
    const rest = Promise.all(all);
    if (!(await within(rest, signal.aborted ? null : grace.find))) {
      stop();
      if (!(await within(rest, grace.end))) endAtOnce();
      await rest;
    }
    const first = ended.find(({ rank }) => rank === 0);
    for (const end of ended) {
      // Rank 0 has said the same.
      const isSaid = isMeant(end) && end.code === first?.code;
      if (!isSaid) for (const line of held[end.rank] ?? []) streams.err(line);
    }
    return { ended, document };
  } finally {
    signal.removeEventListener("abort", stop);
    process.off("exit", endAtOnce);
  }
}

/** Resolves when a process has failed, or all have ended. */
async function firstFailure(all: readonly Promise<Ended>[]): Promise<void> {
  const failures = all.map((one) => one.then(({ code }) => (code === 0 ? Promise.reject() : undefined)));
  await Promise.any(failures).catch(() => undefined);
}

/** Whether a promise resolves within so many milliseconds; null waits as long as it takes. */
async function within(done: Promise<unknown>, milliseconds: number | null): Promise<boolean> {
  if (milliseconds === null) return done.then(() => true);
  const stopped = new AbortController();
  const late = sleep(milliseconds, false, { signal: stopped.signal }).catch(() => false);
  const isDone = await Promise.race([done.then(() => true), late]);
  stopped.abort();
  return isDone;
}

async function endOf(child: ChildProcess, rank: number): Promise<Ended> {
  return await new Promise((done) => {
    child.once("error", () => done({ rank, code: exits.failed, signal: null }));
    child.once("close", (code, signal) => done({ rank, code, signal }));
  });
}

/** Writes the lines of a process's standard error with its rank. Returns its last words, which are held back until all have ended. */
function passOn(child: ChildProcess, rank: number, streams: Streams): string[] {
  const held: string[] = [];
  if (child.stderr === null) return held;
  createInterface({ input: child.stderr }).on("line", (text) => {
    if (text === "") return;
    const line = `rank ${rank}: ${text}\n`;
    if (held.length > 0 || text.startsWith("salmask: ")) held.push(line);
    else streams.err(line);
  });
  return held;
}

interface Seat {
  readonly rank: number;
  readonly processes: number;
  readonly port: number;
  readonly restarts: number;
}

/** As torchrun makes it. */
function environmentOf({ rank, processes, port, restarts }: Seat): NodeJS.ProcessEnv {
  const { TORCHELASTIC_USE_AGENT_STORE: _, ...inherited } = process.env;
  const threads = Math.max(1, Math.floor(availableParallelism() / processes));
  return {
    OMP_NUM_THREADS: String(threads),
    ...inherited,
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(port),
    RANK: String(rank),
    WORLD_SIZE: String(processes),
    LOCAL_RANK: String(rank),
    LOCAL_WORLD_SIZE: String(processes),
    TORCHELASTIC_RESTART_COUNT: String(restarts),
    [launchedVariable]: "1",
  };
}

/** A port of the loopback interface on which nothing listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new TypeError("Expected a port of a server.");
  return address.port;
}
