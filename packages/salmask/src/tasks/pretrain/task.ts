/** Pre-training as a task: the views of a batch, the learners, and the state for a checkpoint. */
import { optim, scope } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import type { StageClock } from "../../base/stage-clock.js";
import { type Compute, chooseAlgorithms, ranksOf } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Release } from "../../data/store/photo-stream.js";
import type { Foreground } from "../../masking/foreground.js";
import { maskGrid } from "../../masking/grid.js";
import { embeddingStats } from "../../metrics/embedding-stats.js";
import { strideOf } from "../../models/registry.js";
import { joinParts, partOf } from "../../models/state-dict.js";
import type { Ranks } from "../../ranks/ranks.js";
import { SaliencyGuide } from "../../saliency/guide.js";
import type { SaliencySource } from "../../saliency/source.js";
import type { Compare, Method } from "../../ssl/method.js";
import type { MethodMaker } from "../../ssl/method-maker.js";
import type { Occluded, Occlusion } from "../../ssl/occlusion/occlusion.js";
import { builtInMethods, occlusionOf } from "../../ssl/registry.js";
import { mixedVersions, plainVersion } from "../../ssl/versions.js";
import { chosenOptimizer, highestRate, learningRate, type UsualOptimizer } from "../../training/optimizer.js";
import type { Learner, Logs, Loss, Progress, Task, TaskState } from "../../training/task.js";
import type { ViewRecipe } from "../../views/recipe.js";
import { type Scene, seeViews } from "../../views/see.js";
import { type BatchViews, meanMaskedShare, mostlyLostShare } from "../../views/view.js";
import { branchVariance, lookedAt } from "./branch-variance.js";
import { encoderRates } from "./encoder-rates.js";
import { refuseStreamed } from "./refuse-streamed.js";
import { TrueMasks } from "./true-masks.js";

/** The data of a batch for both players. */
export interface PretrainBatch {
  readonly seen: BatchViews;
  /** The sources under learned masks; null without ADIOS. */
  readonly occluded: Occluded | null;
  readonly compare: Compare;
}

/** Learning rate of ADIOS's occlusion model for a batch of 128 (Shi et al. 2022, ImageNet-100). */
const occlusionRate = 0.5;

/** Parts that replace those of the settings. */
export interface OwnParts {
  readonly method?: MethodMaker;
  /**
   * Whether the loss of `method` is a mean over photos, of each of which no other photo of the batch is needed: then a batch can be
   * divided by `train.accumulate`. Default false; methods of the settings are known by their names.
   */
  readonly isMeanOverPhotos?: boolean;
  /** Finds the object of a view. The run frees it. */
  readonly saliency?: SaliencySource;
}

/** What a {@link PretrainTask} is made of. */
export interface PretrainTaskOptions {
  readonly config: RunConfig;
  readonly dataset: PackedDataset;
  readonly compute: Compute;
  readonly own?: OwnParts;
  readonly signal?: AbortSignal;
  /** Reports progress over photos whose maps are computed before the first step. */
  readonly onMapped?: (progress: { done: number; total: number }) => void;
}

/** Pre-training as a task of the trainer, for programs that run their own training or look at views and embeddings. */
export class PretrainTask implements Task<PretrainBatch> {
  readonly learners: readonly Learner<PretrainBatch>[];
  readonly accumulate: number;
  /** Of the step's photos, where they are read when they are needed. */
  private release: Release = () => {};

  private constructor(
    readonly config: RunConfig,
    readonly scene: Scene & { readonly dataset: PackedDataset },
    readonly recipe: ViewRecipe,
    /** @internal */
    readonly guide: SaliencyGuide,
    /** null if no true masks are given. */
    private readonly truth: TrueMasks | null,
    readonly method: Method,
    private readonly occlusion: Occlusion | null,
    optimizer: UsualOptimizer,
    ranks: Ranks,
  ) {
    this.accumulate = config.train.accumulate;
    const encoder = encoderLearner(config, method, optimizer, ranks);
    this.learners =
      occlusion === null ? [encoder] : [encoder, occlusionLearner(config, method, occlusion, optimizer)];
  }

  /**
   * Creates a task with new random weights, new optimizers, and the other parts of the settings. {@link dispose} frees
   * it.
   */
  static async create(options: PretrainTaskOptions): Promise<PretrainTask> {
    const { config, dataset, compute, signal, onMapped, own = {} } = options;
    const { method: maker = builtInMethods, saliency: source } = own;
    if (config.train.accumulate > 1 && own.method !== undefined && own.isMeanOverPhotos !== true) {
      throw new UsageError(
        "whole-batches",
        `Expected 1 for train.accumulate with a method of your own that is not said to be a mean over photos, got ${config.train.accumulate}. ` +
          "If each photo's loss needs no other photo of the batch, give isMeanOverPhotos: true beside it.",
      );
    }
    if (dataset.stream !== undefined) refuseStreamed(config);
    const grid = maskGrid(config.data.crop, strideOf(config.model), config.mask.grid);
    const { cell } = grid;
    const recipe = maker.recipe(config);
    chooseAlgorithms(compute, config.deterministic);
    // Parts whose creation can fail are first, so that rejected settings leave no memory allocated.
    const guide = await SaliencyGuide.open(config, {
      dataset,
      cell,
      compute,
      source,
      signal,
      onProgress: onMapped,
    });
    const truth = await TrueMasks.open(config.saliency.truth, dataset, grid).catch((error: unknown) => {
      guide.dispose();
      throw error;
    });
    const scene = { dataset, finder: guide, cell, device: compute.device };
    const optimizer = chosenOptimizer(config.train, (maker.optimizer ?? builtInMethods.optimizer)(config));
    const method = maker.create(config, compute);
    const occlusion = occlusionOf(config, compute);
    const ranks = ranksOf(compute);
    return new PretrainTask(config, scene, recipe, guide, truth, method, occlusion, optimizer, ranks);
  }

  /** Without the last, incomplete batch. */
  get stepsPerEpoch(): number {
    return Math.floor(this.scene.dataset.length / this.config.train.batchSize);
  }

  batches(epoch: number): readonly Int32Array[] {
    const { seed, train } = this.config;
    const { length, stream } = this.scene.dataset;
    const { batchSize } = train;
    return batches(stream?.order({ seed, epoch, batchSize }) ?? epochOrder(seed, epoch, length), batchSize);
  }

  async fetch(ids: Int32Array, next: Int32Array | null): Promise<void> {
    const { stream } = this.scene.dataset;
    if (stream === undefined) return;
    this.release();
    this.release = await stream.follow(ids, next === null);
  }

  beforeEpoch(epoch: number): void {
    this.guide.beforeEpoch(epoch, this.method.momentumBackbone);
  }

  see(ids: Int32Array, progress: Progress, clock: StageClock): PretrainBatch {
    const { method, occlusion } = this;
    clock.in("saliency", () => this.guide.beforeStep(ids));
    const seen = seeViews(
      this.recipe,
      this.scene,
      { seed: this.config.seed, epoch: progress.epoch, ids },
      clock,
    );
    const occluded = clock.in("masking", () => {
      const sources = method.sources(seen.views).map(({ masked }) => masked); // [B, 3, crop, crop] each
      return occlusion?.occlude(sources, { epoch: progress.epoch, ids }) ?? null;
    });
    const compare = clock.in("forward", () => method.against(seen, progress));
    return { seen, occluded, compare };
  }

  afterStep({ step, stepsPerEpoch, epochs }: Progress): void {
    this.method.afterStep?.((step + 1) / (stepsPerEpoch * epochs));
  }

  logs({ seen, occluded }: PretrainBatch): Logs {
    const { views, key } = seen;
    // The foreground of the key, from which hard negatives are made; or that of the only view.
    const { foreground, draw } = views[Math.min(1, views.length - 1)];
    const lost = mostlyLostShare(views);
    return {
      maskedShare: occluded === null ? meanMaskedShare(views) : occluded.maskedShare(),
      ...(lost === null ? {} : { mostlyLostShare: lost }),
      ...(foreground === null ? {} : shares(foreground)),
      ...(foreground === null ? {} : this.truth?.agreement(foreground, draw, key.ids)),
    };
  }

  logsOfStep(): Logs {
    return this.method.logs?.() ?? {};
  }

  secondsOnce(): number {
    return this.guide.secondsOnce;
  }

  async look(): Promise<Logs> {
    const { stream, length } = this.scene.dataset;
    const release = await stream?.fetch(lookedAt(this.config.seed, length).ids);
    try {
      const { query, key } = branchVariance(this);
      return { queryVariance: query, keyVariance: key };
    } finally {
      release?.();
    }
  }

  /** What a checkpoint must hold, without the optimizers. The tensors are those of the task, not copies. */
  state(): TaskState {
    const beside = { saliency: this.guide.state(), occlusion: this.occlusion?.model.stateDict() ?? {} };
    return {
      tensors: { ...this.method.state(), ...joinParts(beside) },
      counters: this.method.counters?.() ?? {},
    };
  }

  loadState({ tensors, counters }: TaskState): void {
    this.method.loadState(tensors, counters);
    this.guide.loadState(partOf(tensors, "saliency"), this.method.momentumBackbone);
    this.occlusion?.model.loadStateDict(partOf(tensors, "occlusion"));
  }

  /** Frees the networks, the optimizers and the saliency source. The data set stays open. */
  dispose(): void {
    this.release();
    for (const { optimizer } of this.learners) optimizer.dispose();
    this.occlusion?.dispose();
    this.truth?.dispose();
    this.guide.dispose();
    this.method.dispose();
  }
}

/** Trains the method's network on every version of the sources. */
function encoderLearner(
  { train, mask }: RunConfig,
  method: Method,
  optimizer: UsualOptimizer,
  ranks: Ranks,
): Learner<PretrainBatch> {
  const shown = mask.otherPhotoLoss === "own" ? plainVersion : mixedVersions;
  return {
    name: "encoder",
    ...encoderRates(train, method, optimizer),
    adjustGradients: (progress) => method.adjustGradients?.(progress),
    *losses({ seen, occluded, compare }): Iterable<Loss> {
      const hidden = occluded?.versions.map((sources) => ({ sources: () => sources, weight: 1 }));
      const versions = hidden ?? shown(method.sources(seen.views), ranks);
      for (const [version, { sources, weight }] of versions.entries()) {
        const { loss, logs, embeddings } = compare(sources());
        const { query, key } = embeddings;
        yield {
          loss: loss.mul(weight),
          logs: () => ({
            ...logs(),
            ...(version === 0 ? scope(() => embeddingStats(ranks.gather(query), ranks.gather(key))) : {}),
          }),
        };
      }
    },
  };
}

/** Trains the occlusion model, with its own highest rate and the encoder's schedule. */
function occlusionLearner(
  config: RunConfig,
  method: Method,
  { model }: Occlusion,
  encodersOptimizer: UsualOptimizer,
): Learner<PretrainBatch> {
  const { momentum, weightDecay, batchSize } = config.train;
  const own = config.occlusion.name === "none" ? undefined : config.occlusion.lr;
  const highest = own ?? (occlusionRate * batchSize) / 128;
  const encoders = learningRate(config.train, encodersOptimizer);
  const optimizer = new optim.SGD(model.namedParameters(), { lr: 0, momentum, weightDecay });
  return {
    name: "occlusion",
    optimizer,
    lr: (progress) => highest * (encoders(progress) / highestRate(config.train, encodersOptimizer)),
    losses: ({ occluded, compare }) => occluded?.losses(compare, method.learned) ?? [],
  };
}

/** The foreground share of the crops. If a whole crop is foreground, masking becomes random. */
function shares({ shares }: Foreground): Logs {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const all = Array.from(shares);
  return { foregroundShare: mean(all), allForegroundShare: mean(all.map((share) => Number(share === 1))) };
}
