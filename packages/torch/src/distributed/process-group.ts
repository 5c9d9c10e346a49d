import { explainFailuresOfBackward } from "../backward-failure.js";
import { buildInfo, mend, native } from "../native.js";
import { Tensor } from "../tensor.js";
import { DistributedError, named, nativeCode, reasonOf } from "./distributed-error.js";
import { explained } from "./explain.js";
import { expectWhole, milliseconds, type TCPStore } from "./tcp-store.js";

/** `gloo`: tensors on the CPU. `nccl`: tensors on NVIDIA's GPUs, one for each rank. */
export type Backend = "gloo" | "nccl";

/** How an all-reduce combines the values of the ranks; `avg` is for floating types. */
export type ReduceOp = "sum" | "avg" | "max" | "min";

/** What is counted separately; `reducer` is what a `Reducer` of gradients sends. */
export type Collective = "allReduce" | "allGather" | "broadcast" | "reducer";

/** What one rank has given to collectives. */
export interface TrafficCount {
  calls: number;
  /** The sizes of the tensors; how much crosses the network depends on the backend's algorithm (a ring: twice as much). */
  bytes: number;
}

/** What a process needs to join a group. */
export interface ProcessGroupOptions {
  backend: Backend;
  /** Where the ranks meet. It has to live as long as the group. */
  store: TCPStore;
  /** This process's number, 0 to `worldSize` - 1. */
  rank: number;
  worldSize: number;
  /** How long a rank is waited for, on joining and in every collective. Default: 600. */
  timeoutSeconds?: number;
  /** Tells groups on one store apart: each needs its own, also after a restart that the store outlives. Default: `default`. */
  name?: string;
}

/** What a rank has last said of itself, when it was asked for, and for how many milliseconds it has said nothing new. */
interface Sign {
  readonly mark: string;
  readonly at: number;
  readonly silent: number;
}

/** Seconds without a sign of life after which a rank is missing: so many, or this share of the timeout where that is less. */
const longestSilence = { seconds: 60, share: 0.75 };
/** Milliseconds that count between two looks for a sign: where they are further apart, this process has not looked. */
const mostBetweenLooks = 1000;

const ops = ["sum", "avg", "max", "min"] as const satisfies readonly ReduceOp[];
const groups = new Set<ProcessGroup>();
/** The names of groups that each store has seen. */
const names = new WeakMap<TCPStore, Set<string>>();
/** Words of backends and of the network in errors without a code of ours, which come from c10d's reducer. */
const ofTransport = /gloo|nccl|connection|timed? ?out|socket|broken pipe/i;

/**
 * Processes that compute together, with libtorch's own backends. All ranks call the same collectives in the same order, with tensors
 * of the same shape and type. A collective blocks this thread; where a rank does not come in time, or dies, it throws a
 * {@link DistributedError} `rank-missing` that names it, within the timeout. A group that has failed stays failed.
 *
 * Gloo uses the network through which the store is reached; GLOO_SOCKET_IFNAME names other interfaces.
 */
export class ProcessGroup {
  readonly backend: Backend;
  readonly rank: number;
  readonly worldSize: number;
  readonly timeoutSeconds: number;
  readonly #store: string;
  readonly #number: number;
  readonly #signs = new Map<number, Sign>();
  #handle: number;

  private constructor(handle: number, options: Required<ProcessGroupOptions>) {
    this.#handle = handle;
    this.#number = native.groupNumber(handle);
    this.backend = options.backend;
    this.rank = options.rank;
    this.worldSize = options.worldSize;
    this.timeoutSeconds = options.timeoutSeconds;
    this.#store = `${options.store.host}:${options.store.port}`;
    groups.add(this);
  }

  /**
   * Joins the group, and waits for all ranks. Throws a {@link DistributedError}: `rank-missing` that names the ranks that did not
   * come, `no-backend`, `store-failed`, or `collective-failed`; and a `RangeError` for wrong numbers.
   */
  static create({
    backend,
    store,
    rank,
    worldSize,
    timeoutSeconds = 600,
    name = "default",
  }: ProcessGroupOptions): ProcessGroup {
    if (backend !== "gloo" && backend !== "nccl")
      throw new RangeError(`Expected a backend, gloo or nccl, got ${String(backend)}.`);
    expectWhole("worldSize", worldSize, 1, 2 ** 20);
    expectWhole("rank", rank, 0, worldSize - 1);
    const timeout = milliseconds("timeoutSeconds", timeoutSeconds);
    const taken = names.get(store) ?? new Set<string>();
    if (taken.has(name))
      throw new RangeError(`Expected a new name for a group on this store, got ${name} again.`);
    names.set(store, taken.add(name));
    const options = { backend, store, rank, worldSize, timeoutSeconds, name };
    try {
      const handle = native.groupCreate(
        backend,
        store.handle,
        store.isServer,
        rank,
        worldSize,
        timeout,
        name,
      );
      return new ProcessGroup(handle, options);
    } catch (error) {
      throw notJoined(error, options);
    }
  }

  /** The number by which operators know this group. Throws if it was disposed. */
  get number(): number {
    if (this.#handle === 0) throw new Error("Expected a live process group, got one that was disposed.");
    return this.#number;
  }

  /** The addon's integer for this group. Throws if it was disposed. */
  get handle(): number {
    if (this.#handle === 0) throw new Error("Expected a live process group, got one that was disposed.");
    return this.#handle;
  }

  /** Combines a tensor of every rank, in place, without recording for `backward`. Default: the sum. */
  allReduce(tensor: Tensor, op: ReduceOp = "sum"): void {
    const code = ops.indexOf(op);
    if (code < 0)
      throw new RangeError(`Expected one of ${ops.join(", ")} for an all-reduce, got ${String(op)}.`);
    this.guard("an all-reduce", () => native.groupAllReduce(this.handle, tensor.handle, code));
  }

  /** The tensors of all ranks `[W, ...shape]`, without recording for `backward`. */
  allGather(tensor: Tensor): Tensor {
    return this.guard("an all-gather", () => new Tensor(native.groupAllGather(this.handle, tensor.handle)));
  }

  /** Gives all ranks the values of rank `source`, in place, without recording for `backward`. */
  broadcast(tensor: Tensor, source: number): void {
    expectWhole("the rank that is the source", source, 0, this.worldSize - 1);
    this.guard("a broadcast", () => native.groupBroadcast(this.handle, tensor.handle, source));
  }

  /** Waits for all ranks. */
  barrier(): void {
    this.guard("a barrier", () => native.groupBarrier(this.handle));
  }

  /**
   * Checks that ranks live, without a collective: for waits that may take longer than the timeout. Call it about twice a second as long
   * as the wait takes. Throws a {@link DistributedError} `rank-missing` for a rank that has left the group, or that has given no sign of
   * life for a minute or for three quarters of the timeout, whichever is less; and where the store does not answer.
   */
  expectAlive(ranks: readonly number[]): void {
    const { worldSize, timeoutSeconds } = this;
    const most = 1000 * Math.min(longestSilence.seconds, longestSilence.share * timeoutSeconds);
    for (const rank of ranks) {
      expectWhole("a rank that has to live", rank, 0, worldSize - 1);
      const mark = this.#markOf(rank);
      const [now, before] = [performance.now(), this.#signs.get(rank)];
      const isNew = before?.mark !== mark;
      const silent = isNew ? 0 : before.silent + Math.min(now - before.at, mostBetweenLooks);
      this.#signs.set(rank, { mark, at: now, silent });
      if (mark.endsWith(" l")) throw this.#missing(`left ${rank}`);
      if (silent >= most) throw this.#missing(`gone ${rank}`);
    }
  }

  /** What this rank has given to collectives since it joined. */
  traffic(): Record<Collective, TrafficCount> {
    const counts = native.groupTraffic(this.handle);
    const at = (i: number): TrafficCount => ({ calls: counts[2 * i], bytes: counts[2 * i + 1] });
    return { allReduce: at(0), allGather: at(1), broadcast: at(2), reducer: at(3) };
  }

  /** Leaves the group. Dispose what uses it before. A second call has no effect. */
  dispose(): void {
    if (this.#handle === 0) return;
    groups.delete(this);
    native.groupRelease(this.#handle);
    this.#handle = 0;
  }

  /** Leaves the group at the end of a block that declares it with `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #markOf(rank: number): string {
    try {
      return native.groupMark(this.handle, rank);
    } catch (error) {
      throw nativeCode(error) === "STORE" ? this.explain("a wait", error) : error;
    }
  }

  #missing(verdict: string): DistributedError {
    const { rank, worldSize, timeoutSeconds } = this;
    return explained({ what: "a wait", rank, worldSize, timeoutSeconds, store: this.#store, verdict });
  }

  /** @internal Runs what uses this group; where a collective fails, throws the error that names who is missing. */
  guard<T>(what: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw nativeCode(error) === "COLLECTIVE" ? this.explain(what, error) : error;
    }
  }

  /** @internal Whether a collective of this group has failed. */
  get hasFailed(): boolean {
    return this.#handle !== 0 && native.groupHasFailed(this.#handle);
  }

  /** @internal The error that names who is missing. */
  explain(what: string, cause: unknown): DistributedError {
    const { rank, worldSize, timeoutSeconds } = this;
    const verdict = native.groupMissing(this.handle);
    const reason = reasonOf(cause);
    return explained({ what, rank, worldSize, timeoutSeconds, store: this.#store, verdict, reason, cause });
  }
}

function notJoined(
  error: unknown,
  { backend, store, worldSize, timeoutSeconds }: Required<ProcessGroupOptions>,
): unknown {
  const where = `${store.host}:${store.port}`;
  const reason = reasonOf(error);
  switch (nativeCode(error)) {
    case "ABSENT": {
      const ranks = reason.split(",").map(Number);
      const message = `Expected ${worldSize} ranks at the store ${where} within ${timeoutSeconds} s, got none of ${named(ranks)}.`;
      return new DistributedError("rank-missing", message, { ranks, cause: error });
    }
    case "BACKEND": {
      const { version, source } = buildInfo();
      const message =
        `Expected the backend ${backend}, got an addon that was built without it against libtorch ${version} (${source}). ` +
        `It needs ${reason}. Install that, then build the addon again. ${mend()}`;
      return new DistributedError("no-backend", message, { cause: error });
    }
    case "STORE":
      return new DistributedError(
        "store-failed",
        `Expected the store at ${where} to answer, got a failure: ${reason}.`,
        {
          cause: error,
        },
      );
    case "COLLECTIVE":
      return new DistributedError(
        "collective-failed",
        `Expected ${worldSize} ranks to connect by ${backend}, got a failure: ${reason}`,
        { cause: error },
      );
    default:
      return error;
  }
}

explainFailuresOfBackward((error) => {
  const isOurs = nativeCode(error) === "COLLECTIVE" || ofTransport.test(reasonOf(error));
  const failed = isOurs ? Array.from(groups).find((group) => group.hasFailed) : undefined;
  return failed === undefined ? error : failed.explain("the collectives of a backward pass", error);
});
