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
  readonly store: Pick<distributed.TCPStore, "add" | "check" | "get" | "set">;
  /** Tells these ranks apart from those of before a restart, on a store that outlives it. Default: `salmask`. */
  readonly name?: string;
}

/** Milliseconds between two looks at whether another rank is done. */
const patience = 50;

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
      const { store } = this.options;
      store.set(key, serialize(said).toString("base64"));
      while (store.add(`${key}/known`, 0) < this.worldSize - 1) await sleep(patience);
    };
    try {
      const result = await work();
      await say(outcome(result));
      return result;
    } catch (error) {
      await say({ failure: messageOf(error), isInterrupted: error instanceof InterruptedError });
      throw error;
    }
  }

  private async outcomeOf<T>(key: string): Promise<T> {
    const { store } = this.options;
    while (!store.check([key])) await sleep(patience);
    const outcome: Outcome<T> = deserialize(Buffer.from(store.get(key), "base64"));
    store.add(`${key}/known`, 1);
    if ("result" in outcome) return outcome.result;
    const message = `Rank 0 ended: ${outcome.failure}`;
    throw outcome.isInterrupted ? new InterruptedError(message) : new SalmaskError("rank-0-failed", message);
  }
}
