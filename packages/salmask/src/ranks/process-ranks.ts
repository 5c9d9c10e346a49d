/** Ranks that are processes, connected by c10d's process groups. */
import { setTimeout as sleep } from "node:timers/promises";
import { deserialize, serialize } from "node:v8";
import { distributed, fromTypedArray, nn, noGrad, ops, scope, type Tensor, tensor } from "@salmask/torch";
import { InterruptedError, messageOf, SalmaskError } from "../base/errors.js";
import type { GradientReducer, Ranks } from "./ranks.js";

export interface ProcessRanksOptions {
  /** For tensors of the device that networks are computed on. */
  readonly group: distributed.ProcessGroup;
  /** For tensors of the host; the same one where networks are computed there. */
  readonly host: distributed.ProcessGroup;
  /** Through which ranks wait for rank 0 for longer than a group waits. */
  readonly store: Pick<distributed.TCPStore, "check" | "get" | "set">;
  /** Tells these ranks apart from those of before a restart, on a store that outlives it. Default: `salmask`. */
  readonly name?: string;
}

/** Milliseconds between two looks at whether another rank is done. */
const patience = 50;
/** Of so many looks, one is also at whether it lives. */
const looksAtLife = 10;
/** How much of the timeout an answer of the store may take, so that there is time left to find out who is missing. */
const shareOfAnswer = 0.5;

/** How the work of rank 0 ended. */
type Outcome<T> = { readonly result: T } | { readonly failure: string; readonly isInterrupted: boolean };

/** The caller frees the groups and the store. */
export class ProcessRanks implements Ranks {
  readonly rank: number;
  readonly worldSize: number;
  readonly isFirst: boolean;
  private waits = 0;

  constructor(private readonly options: ProcessRanksOptions) {
    const { rank, worldSize } = options.host;
    this.rank = rank;
    this.worldSize = worldSize;
    this.isFirst = rank === 0;
  }

  slice(ids: Int32Array): Int32Array {
    const length = ids.length / this.worldSize;
    return ids.subarray(this.rank * length, (this.rank + 1) * length);
  }

  own(all: Tensor, dim = 0): Tensor {
    const length = all.shape[dim] / this.worldSize;
    return all.narrow(dim, this.rank * length, length);
  }

  gather(own: Tensor, dim = 0): Tensor {
    return noGrad(() =>
      scope(() => {
        const all = this.groupOf(own).allGather(own.detach().contiguous()); // [W, ..., n, ...]
        const axes = own.shape.map((_, axis) => axis + 1);
        const before = axes.slice(0, dim);
        const shape = own.shape.map((length, axis) => (axis === dim ? length * this.worldSize : length));
        return all.permute([...before, 0, ...axes.slice(dim)]).reshape(shape); // [..., W n, ...]
      }),
    );
  }

  gatherWithGradients(own: Tensor): Tensor {
    return distributed.allGatherCat(own, this.groupOf(own));
  }

  sum(own: Tensor): Tensor {
    return noGrad(() =>
      scope(() => {
        const sum = own.detach().clone();
        this.groupOf(own).allReduce(sum);
        return sum;
      }),
    );
  }

  mean(own: Tensor): Tensor {
    return scope(() => this.sum(own).div(this.worldSize));
  }

  average(tensors: readonly Tensor[]): void {
    if (tensors.length === 0) return;
    noGrad(() =>
      scope(() => {
        const means = this.mean(ops.cat(tensors.map((one) => one.reshape([one.numel])))); // [all]
        let from = 0;
        for (const one of tensors) {
          one.copy_(means.narrow(0, from, one.numel).reshape([...one.shape]));
          from += one.numel;
        }
      }),
    );
  }

  syncBatchNorm(network: nn.AnyModule): void {
    nn.convertSyncBatchNorm(network, this.options.group);
  }

  reducer(parameters: readonly Tensor[]): GradientReducer {
    return new distributed.Reducer({ parameters, group: this.options.group });
  }

  exchange<T>(own: T): T[] {
    return noGrad(() =>
      scope(() => {
        const { host } = this.options;
        const bytes = Uint8Array.from(serialize(own));
        const lengths = host.allGather(tensor(Int32Array.of(bytes.length))).toArray(); // [W, 1]
        const longest = Math.max(...lengths);
        const padded = new Uint8Array(longest);
        padded.set(bytes);
        const all = host.allGather(fromTypedArray(padded, [longest])).toArray(); // [W, longest]
        return lengths.map((length, rank) => {
          const from = rank * longest;
          return deserialize(Uint8Array.from(all.slice(from, from + length)));
        });
      }),
    );
  }

  some(own: boolean): boolean {
    return scope(() => {
      const count = fromTypedArray(Float32Array.of(Number(own)), [1]);
      this.options.host.allReduce(count);
      return count.item() > 0;
    });
  }

  async onFirst<T>(work: () => Promise<T>): Promise<T> {
    const key = this.nextKey();
    if (!this.isFirst) return await this.outcomeOf<T>(key);
    return await this.tell(key, work, (result) => ({ result }));
  }

  async firstThenOthers<T>(work: () => Promise<T>): Promise<T> {
    const key = this.nextKey();
    if (this.isFirst) return await this.tell(key, work, () => ({ result: null }));
    await this.outcomeOf(key);
    return await work();
  }

  private groupOf({ device }: Tensor): distributed.ProcessGroup {
    return device === "cpu" ? this.options.host : this.options.group;
  }

  private nextKey(): string {
    return `${this.options.name ?? "salmask"}/${this.waits++}`;
  }

  /** Does the work and tells the others how it ended. Returns when all know, because the store may end with this process. */
  private async tell<T>(
    key: string,
    work: () => Promise<T>,
    outcome: (result: T) => Outcome<unknown>,
  ): Promise<T> {
    const say = async (said: Outcome<unknown>) => {
      const text = serialize(said).toString("base64");
      this.ask((store, seconds) => store.set(key, text, seconds));
      let others = Array.from({ length: this.worldSize - 1 }, (_, i) => i + 1);
      await this.until(() => {
        others = others.filter((rank) => !this.isThere(knownBy(key, rank)));
        return others;
      });
    };
    let result: T;
    try {
      result = await work();
    } catch (error) {
      // What ended the work says more than that another rank does not hear of it.
      await say({ failure: messageOf(error), isInterrupted: error instanceof InterruptedError }).catch(
        () => undefined,
      );
      throw error;
    }
    await say(outcome(result));
    return result;
  }

  private async outcomeOf<T>(key: string): Promise<T> {
    await this.until(() => (this.isThere(key) ? [] : [0]));
    const text = this.ask((store, seconds) => store.get(key, seconds));
    const outcome: Outcome<T> = deserialize(Buffer.from(text, "base64"));
    this.ask((store, seconds) => store.set(knownBy(key, this.rank), "", seconds));
    if ("result" in outcome) return outcome.result;
    const message = `Rank 0 ended: ${outcome.failure}`;
    throw outcome.isInterrupted ? new InterruptedError(message) : new SalmaskError("rank-0-failed", message);
  }

  private isThere(key: string): boolean {
    return this.ask((store, seconds) => store.check([key], seconds));
  }

  /** What the store answers to a question that may take so many seconds. */
  private ask<T>(question: (store: ProcessRanksOptions["store"], seconds: number) => T): T {
    const { store, host } = this.options;
    try {
      return question(store, shareOfAnswer * host.timeoutSeconds);
    } catch (error) {
      host.expectAlive([0]); // Where rank 0 has taken the store with it, that is the better error.
      throw error;
    }
  }

  /**
   * Waits until no rank is waited for, for as long as that takes while those ranks live. Throws the engine's DistributedError that names
   * one that does not.
   */
  private async until(waitedFor: () => readonly number[]): Promise<void> {
    for (let look = 1; ; look++) {
      const ranks = waitedFor();
      if (ranks.length === 0) return;
      if (look % looksAtLife === 0) this.expectAlive(ranks, waitedFor);
      await sleep(patience);
    }
  }

  private expectAlive(ranks: readonly number[], waitedFor: () => readonly number[]): void {
    try {
      this.options.host.expectAlive(ranks);
    } catch (error) {
      const missing = error instanceof distributed.DistributedError ? error.ranks : [];
      if (!hasDone(missing, waitedFor)) throw error;
    }
  }
}

/** Whether ranks that are missing had done what is waited for, and then left. */
function hasDone(missing: readonly number[], waitedFor: () => readonly number[]): boolean {
  if (missing.length === 0) return false;
  try {
    return !waitedFor().some((rank) => missing.includes(rank));
  } catch {
    return false;
  }
}

/** The key by which a rank says that it has read the outcome of `key`. */
const knownBy = (key: string, rank: number) => `${key}/known/${rank}`;
