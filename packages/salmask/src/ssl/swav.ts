import { Generator, KeyedRandom, keep, nn, noGrad, ops, scope, type Tensor, zeros } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { onCpu, ranksOf } from "../compute/compute.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import { type EncoderOptions, type ProjectorMaker, projectedEncoder, unitRows } from "../models/encoder.js";
import { mlpHead } from "../models/mlp-head.js";
import { joinParts, partOf } from "../models/state-dict.js";
import type { Logs, Progress } from "../training/task.js";
import type { BatchViews, View } from "../views/view.js";
import { contrastAccuracy } from "./contrast-accuracy.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { BuiltInMaker } from "./method-maker.js";
import { mirroredSources, mirroredTargets } from "./mirrored-views.js";
import { bySize, multiCropViews } from "./multi-crop.js";
import { PrototypeNetwork } from "./prototype-network.js";
import { prototypeUse } from "./prototype-use.js";
import { writeRing } from "./ring.js";
import { type SinkhornOptions, sinkhorn } from "./sinkhorn.js";
import { swappedCrossEntropy } from "./swapped-prediction.js";
import type { SwavSettings } from "./swav-settings.js";

export interface SwavOptions extends SinkhornOptions {
  readonly seed: number;
  readonly encoder: EncoderOptions;
  readonly branch: MaskSettings["branch"];
  /** K */
  readonly prototypes: number;
  /** Epochs at the start in which the prototypes do not change. */
  readonly frozenEpochs: number;
  /** tau */
  readonly temperature: number;
  /** Past embeddings of each large crop that take part in the assignment; 0: none. */
  readonly queue: number;
  /** The epoch in which the queue begins to fill. */
  readonly queueFromEpoch: number;
}

/** Two layers, batch norm between them. */
const projectorOf: ProjectorMaker = ({ features, hidden, dim, generator }) =>
  mlpHead({ widths: [features, hidden, dim], lastNorm: "none", generator });

/**
 * SwAV (Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments"): the two large crops of a
 * photo are assigned to prototypes, evenly over the batch of all ranks, and every crop predicts the assignments of the other large crops. Here
 * assignments are those of whole crops, and the crops that predict them are masked, so that a step has two passes of large crops
 * where the paper has one.
 */
export class Swav implements Method {
  readonly name = "swav";
  readonly network: PrototypeNetwork<nn.Linear>;
  /** `[2, length, dim]`: past embeddings of the first and the second large crop; null if there are none. */
  readonly queue: Tensor | null;
  private pointer = 0;
  private enqueued = 0;

  constructor(private readonly options: SwavOptions) {
    const { seed, encoder, prototypes, queue } = options;
    const generatorFor = (part: number) =>
      new Generator(new KeyedRandom(seed, purpose.weights, part).uint32());
    const { dim, compute = onCpu } = encoder;
    this.network = new PrototypeNetwork(
      projectedEncoder(encoder, generatorFor(0), projectorOf),
      noGrad(() => new nn.Linear(dim, prototypes, { bias: false, generator: generatorFor(1) })),
      compute,
    );
    this.queue = queue === 0 ? null : keep(zeros([2, queue, dim], { device: compute.device }));
  }

  get learned(): nn.Module {
    return this.network;
  }

  get backbone(): Backbone {
    return this.network.encoder.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.backbone;
  }

  /** The large crops. Small ones are sources too, but never masked or occluded. */
  sources(views: readonly View[]): readonly View[] {
    return mirroredSources(views, this.options.branch);
  }

  against({ views }: BatchViews, { epoch }: Progress): Compare {
    const { network } = this;
    const [first, second] = mirroredTargets(views, this.options.branch); // [B, 3, H, W] each
    const ranks = ranksOf(this.options.encoder.compute);
    this.normalizePrototypes();
    const { codes, targets } = noGrad(() =>
      scope(() => {
        const [batch] = first.shape;
        const own = network.embed([ops.cat([first, second])]).reshape([2, batch, -1]); // [2, B, dim]
        const targets = ranks.gather(own, 1); // [2, A, dim] with the A photos of all ranks
        const codes = [0, 1].map((crop) => this.codes(targets.select(0, crop), crop)); // [A, K] each
        return { codes, targets };
      }),
    );
    if (this.queue !== null && epoch >= this.options.queueFromEpoch) this.enqueue(this.queue, targets);
    const batch = first.shape[0];
    const ownCodes = codes.map((all) => ranks.own(all)); // [B, K] each
    return (sources) => {
      const embeddings = network.embed(bySize(sources, views)); // [V B, dim]
      const logits = network.prototypes.forward(embeddings).div(this.options.temperature).split(batch); // [B, K] each
      const loss = swappedCrossEntropy(ownCodes, logits); // []
      const [query, key] = [embeddings.narrow(0, 0, batch), ranks.own(targets.select(0, 1))]; // [B, dim] each
      const logs = () => ({
        contrastAccuracy: contrastAccuracy(query, key, ranks).item(),
        ...scope(() => prototypeUse(ops.cat(codes))),
      });
      return { loss, logs, embeddings: { query, key } };
    };
  }

  /** The assignments `[A, K]` of a large crop's embeddings `[A, dim]`, with those of the queue once it is full. */
  private codes(embeddings: Tensor, crop: number): Tensor {
    const { queue } = this;
    const [count] = embeddings.shape;
    const isFull = queue !== null && this.enqueued === this.options.queue;
    const all = isFull ? ops.cat([queue.select(0, crop), embeddings]) : embeddings; // [N, dim]
    const plan = sinkhorn(this.network.prototypes.forward(all), this.options); // [N, K]
    return plan.narrow(0, plan.shape[0] - count, count);
  }

  /** @param targets `[2, A, dim]` */
  private enqueue(queue: Tensor, targets: Tensor): void {
    this.pointer = noGrad(() => scope(() => writeRing(queue, targets, { at: this.pointer, dim: 1 })));
    this.enqueued = Math.min(this.enqueued + targets.shape[1], this.options.queue);
  }

  /** Scores are cosines: prototypes have length one before each step. */
  private normalizePrototypes(): void {
    const { weight } = this.network.prototypes;
    noGrad(() => scope(() => weight.copy_(unitRows(weight))));
  }

  embed({ views }: BatchViews): Embeddings {
    const { encoder } = this.network;
    const [source] = this.sources(views);
    const [, target] = mirroredTargets(views, this.options.branch);
    return { query: encoder.evaluate(source.masked), key: encoder.evaluate(target) }; // [B, dim] each
  }

  /** At first prototypes stay, so that embeddings spread over them (the paper, appendix A). */
  adjustGradients({ epoch }: Progress): void {
    if (epoch < this.options.frozenEpochs) this.network.prototypes.zeroGrad();
  }

  logs(): Logs {
    return this.queue === null ? {} : { queueFill: this.enqueued / this.options.queue };
  }

  state(): nn.StateDict {
    const network = joinParts({ network: this.network.stateDict() });
    return this.queue === null ? network : { ...network, queue: this.queue };
  }

  counters(): Record<string, number> {
    return { pointer: this.pointer, enqueued: this.enqueued };
  }

  loadState(state: nn.StateDict, counters: Record<string, number>): void {
    this.network.loadStateDict(partOf(state, "network"));
    noGrad(() => this.queue?.copy_(state.queue));
    this.pointer = counters.pointer;
    this.enqueued = counters.enqueued;
  }

  dispose(): void {
    this.network.dispose();
    this.queue?.dispose();
  }
}

/** The paper's queue for small batches (its appendix A). */
const usualQueue = (batchSize: number) => (batchSize <= 256 ? 3840 : 0);

/** LARS with the paper's rate for a batch of 256 (its appendix A). */
export const swav = (method: SwavSettings): BuiltInMaker => ({
  create: ({ seed, model, mask, train }, compute) => {
    const { hidden, dim, temperature, prototypes, frozenEpochs } = method;
    const { epsilon, sinkhornIterations, codeQueue, codeQueueEpoch } = method;
    return new Swav({
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      prototypes,
      frozenEpochs,
      temperature,
      epsilon,
      iterations: sinkhornIterations,
      queue: codeQueue === "auto" ? usualQueue(train.batchSize) : codeQueue,
      queueFromEpoch: codeQueueEpoch,
    });
  },
  recipe: (settings) => multiCropViews(settings, method),
  optimizer: () => ({ name: "lars", rate: 0.6 }),
});
