import {
  Generator,
  KeyedRandom,
  keep,
  type nn,
  noGrad,
  ops,
  randn,
  scope,
  type Tensor,
  tensor,
} from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { onCpu, ranksOf } from "../compute/compute.js";
import { type EmbeddedNegatives, embedded } from "../masking/hard-negatives.js";
import type { Backbone } from "../models/backbone.js";
import { type EncoderOptions, type ProjectedEncoder, projectedEncoder, unitRows } from "../models/encoder.js";
import { joinParts, partOf } from "../models/state-dict.js";
import { oneRank, type Ranks } from "../ranks/ranks.js";
import type { Logs, Progress } from "../training/task.js";
import type { BatchViews, View } from "../views/view.js";
import { inGroups } from "./in-groups.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { BuiltInMaker } from "./method-maker.js";
import { contrastiveLoss } from "./moco-loss.js";
import type { Mocov2Settings } from "./mocov2-settings.js";
import { follow } from "./momentum.js";
import { queryAndKey } from "./query-and-key.js";
import { writeRing } from "./ring.js";
import { Waiting } from "./waiting.js";

export interface MocoOptions {
  seed: number;
  encoder: EncoderOptions;
  /** Number of past keys to compare with, K. */
  queue: number;
  /** m in `key = m * key + (1 - m) * query`, after every step. */
  momentum: number;
  /** tau */
  temperature: number;
  /** rho, the factor on a hard negative's similarity. */
  negativeWeight: number;
  /**
   * Number of parts of this rank's share of a batch with separate batch statistics, as if each were on its own GPU; keys are shuffled
   * over them, and over the ranks where batch norm is local.
   */
  groups: number;
}

/**
 * MoCo v2 (He et al. 2020; Chen et al. 2020): a query encoder learns to find its key among a queue of past keys. A
 * momentum copy of the query encoder computes the keys.
 */
export class Moco implements Method {
  readonly name = "mocov2";
  readonly query: ProjectedEncoder;
  readonly key: ProjectedEncoder;
  /** `[K, dim]`, rows of length one. */
  readonly queue: Tensor;
  /** `[B, dim]` each: the keys of this step, from `against` until `afterStep`. */
  private readonly waiting = new Waiting();
  private pointer = 0;
  private enqueued = 0;
  /** All ranks, whose keys come into one queue. */
  private readonly ranks: Ranks;
  /** The ranks over which keys are shuffled: this one alone where batch norm sees those of all. */
  private readonly shuffled: Ranks;

  constructor(private readonly options: MocoOptions) {
    const { compute } = options.encoder;
    this.ranks = ranksOf(compute);
    this.shuffled = compute?.batchNorm === "sync" ? oneRank : this.ranks;
    const generatorFor = (part: number) =>
      new Generator(new KeyedRandom(options.seed, purpose.weights, part).uint32());
    this.query = projectedEncoder(options.encoder, generatorFor(0));
    this.key = projectedEncoder(options.encoder, generatorFor(0)).setRequiresGrad(false);
    this.queue = scope(() => {
      const generator = new Generator(new KeyedRandom(options.seed, purpose.queue).uint32());
      const drawn = unitRows(randn([options.queue, options.encoder.dim], { generator })); // [K, dim]
      const { device } = options.encoder.compute ?? onCpu;
      return keep(drawn.to({ device })); // [K, dim]
    });
  }

  get learned(): nn.Module {
    return this.query;
  }

  get backbone(): Backbone {
    return this.query.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.key.backbone;
  }

  sources([query]: readonly View[]): readonly View[] {
    return [query];
  }

  against(batch: BatchViews, { step }: Progress): Compare {
    const { key, negatives } = noGrad(() => scope(() => this.encodeKeys(batch, step))); // [B, dim], [M * B, dim]
    const { temperature, negativeWeight: weight, groups } = this.options;
    // The backward pass needs the queue unchanged, so the keys are added at the end of the step.
    this.waiting.add(key); // [B, dim]
    return ([pixels]) => {
      const query = inGroups(this.query, pixels, groups); // [B, dim]
      const inputs = { query, key, queue: this.queue, negatives };
      const { loss, contrastAccuracy } = contrastiveLoss(inputs, { temperature, weight }); // [], []
      const logs = () => ({ contrastAccuracy: contrastAccuracy.item() });
      return { loss, logs, embeddings: { query, key } };
    };
  }

  embed({ views: [query, key] }: BatchViews): Embeddings {
    return { query: this.query.evaluate(query.masked), key: this.key.evaluate(key.masked) }; // [B, dim] each
  }

  /**
   * Keys and hard negatives pass through the key encoder together and shuffled, so that neither can be recognised by
   * its own batch statistics (He et al. 2020, section 3.3).
   */
  private encodeKeys(
    { views: [, { masked: keys }], negatives }: BatchViews,
    step: number,
  ): { key: Tensor; negatives: EmbeddedNegatives | null } {
    const batch = keys.shape[0];
    // R is (1 + M) B, or B + M if the batch shares its negatives.
    const own = negatives === null ? keys : ops.cat([keys, negatives.pixels]); // [R, 3, H, W]
    const all = this.shuffled.gather(own); // [A, 3, H, W]
    const order = new KeyedRandom(this.options.seed, purpose.shuffle, step).permutation(all.shape[0]);
    const { device } = all;
    const shuffled = all.indexSelect(0, tensor(this.shuffled.slice(order), { device })); // [R, 3, H, W]
    const encoded = this.shuffled.gather(inGroups(this.key, shuffled, this.options.groups)); // [A, dim]
    const unshuffled = new Int32Array(order.length);
    for (const [place, row] of order.entries()) unshuffled[row] = place;
    const embeddings = encoded.indexSelect(0, tensor(this.shuffled.slice(unshuffled), { device })); // [R, dim]
    return {
      key: embeddings.narrow(0, 0, batch), // [B, dim]
      negatives:
        negatives === null
          ? null
          : embedded(negatives, embeddings.narrow(0, batch, embeddings.shape[0] - batch)), // of [M * B, dim]
    };
  }

  /** Overwrites the oldest keys. */
  private enqueue(keys: Tensor): void {
    this.pointer = writeRing(this.queue, keys, { at: this.pointer, dim: 0 });
    this.enqueued = Math.min(this.enqueued + keys.shape[0], this.options.queue);
  }

  afterStep(): void {
    follow(this.key, this.query, this.options.momentum);
    this.waiting.take((keys) => this.enqueue(this.ranks.gather(ops.cat(keys))));
  }

  logs(): Logs {
    return { queueFill: this.enqueued / this.options.queue };
  }

  state(): nn.StateDict {
    return {
      queue: this.queue,
      ...joinParts({ query: this.query.stateDict(), key: this.key.stateDict() }),
    };
  }

  counters(): Record<string, number> {
    return { pointer: this.pointer, enqueued: this.enqueued };
  }

  loadState(state: nn.StateDict, counters: Record<string, number>): void {
    this.waiting.dispose();
    this.query.loadStateDict(partOf(state, "query"));
    this.key.loadStateDict(partOf(state, "key"));
    noGrad(() => this.queue.copy_(state.queue));
    this.pointer = counters.pointer;
    this.enqueued = counters.enqueued;
  }

  dispose(): void {
    this.waiting.dispose();
    this.query.dispose();
    this.key.dispose();
    this.queue.dispose();
  }
}

/** SGD with the paper's rate (section 4.1). */
export const mocov2 = (method: Mocov2Settings): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, temperature, queue, momentum, groups } = method;
    const encoder = { backbone: model, hidden, dim, compute };
    return new Moco({
      seed,
      encoder,
      temperature,
      negativeWeight: mask.negative.weight,
      queue,
      momentum,
      // Where batch norm is local, the ranks have the groups among them.
      groups: compute.batchNorm === "sync" ? groups : groups / ranksOf(compute).worldSize,
    });
  },
  recipe: queryAndKey,
  optimizer: () => ({ name: "sgd", rate: 0.03 }),
  batchNorm: () => "local",
});
