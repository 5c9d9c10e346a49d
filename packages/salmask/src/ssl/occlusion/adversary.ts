import {
  fromTypedArray,
  Generator,
  KeyedRandom,
  type nn,
  noGrad,
  optim,
  scope,
  type Tensor,
} from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { Compute } from "../../compute/compute.js";
import { joinParts, partOf } from "../../models/state-dict.js";
import type { Compare } from "../method.js";
import { OcclusionModel } from "./occlusion-model.js";
import { sparsityPenalty } from "./sparsity-penalty.js";

export interface AdversaryOptions {
  seed: number;
  /** `adios`: each photo is occluded by each mask in turn; `adios-s`: by one of them, drawn anew each epoch. */
  name: "adios" | "adios-s";
  /** Side of the views in pixels. */
  crop: number;
  /** N */
  masks: number;
  /** alpha, the weight of the penalty. */
  sparsity: number;
  /** Channels of the occlusion model's first level. */
  channels: number;
  momentum: number;
  weightDecay: number;
  /** The CPU in float32 where it is not given. */
  compute?: Compute;
}

/** What a step's choice of masks depends on. */
export interface OcclusionKey {
  epoch: number;
  /** `[B]`: the photos' numbers in the data set. */
  ids: Int32Array;
}

/** A batch's query views under its masks. */
export interface Occlusion {
  /** `[B, 3, H, W]` each, without gradient to the masks: what the method is to learn from, one after the other. */
  readonly queries: readonly Tensor[];
  /** Mean share of a query that is hidden. To ask is to wait for the device. */
  maskedShare(): number;
  /**
   * The adversary's step: raises the loss of the method that `learned` is the network of, and keeps the masks from being
   * empty or full. The network stays as it is, batch norm's running statistics included.
   */
  learn(compare: Compare, learned: nn.Module): void;
}

/**
 * The other player of ADIOS (Shi et al. 2022, section 3): it learns masks of the query that make the method's loss large,
 * while the method learns to make it small. One step of each is done on every batch.
 */
export class Adversary {
  readonly model: OcclusionModel;
  readonly optimizer: optim.Optimizer;

  constructor(private readonly options: AdversaryOptions) {
    const { seed, momentum, weightDecay } = options;
    const generator = new Generator(new KeyedRandom(seed, purpose.weights, 1).uint32());
    this.model = new OcclusionModel({ ...options, generator });
    this.optimizer = new optim.SGD(this.model.namedParameters(), { lr: 0, momentum, weightDecay });
  }

  /** @param query `[B, 3, H, W]` */
  occlude(query: Tensor, key: OcclusionKey): Occlusion {
    // Both players see the same masks: the model does not change between their steps, so one pass serves both.
    const masks = scope(() => this.model.forward(query)); // [B, N, H, W]
    return noGrad(() => {
      const applied = this.applied(masks.detach(), key); // [B, 1, H, W] each
      return {
        queries: applied.map((mask) => hide(query, mask)),
        maskedShare: () =>
          scope(() => applied.reduce((sum, mask) => sum + mask.mean().item(), 0) / applied.length),
        learn: (compare, learned) => this.learn({ query, masks, key }, compare, learned),
      };
    });
  }

  private learn(
    { query, masks, key }: { query: Tensor; masks: Tensor; key: OcclusionKey },
    compare: Compare,
    learned: nn.Module,
  ): void {
    scope(() => {
      const leaf = masks.detach(); // [B, N, H, W]
      leaf.requiresGrad = true;
      whileFrozen(learned, () => {
        // Each version goes backward to the masks before the next begins, so that only one encoder graph is held.
        for (const mask of this.applied(leaf, key))
          scope(() => compare(hide(query, mask)).loss.neg().backward());
      });
      sparsityPenalty(leaf)
        .mul(this.options.sparsity * this.versions)
        .backward();
      const gradient = leaf.grad;
      if (gradient !== null) masks.backward({ gradient });
      this.optimizer.step();
      this.optimizer.zeroGrad();
    });
  }

  /** Occluded versions of a query that a step learns from. */
  private get versions(): number {
    return this.options.name === "adios" ? this.options.masks : 1;
  }

  /** What occludes each version, `[B, 1, H, W]`: each mask in turn, or for ADIOS-s the one that a photo's key names. */
  private applied(masks: Tensor, { epoch, ids }: OcclusionKey): Tensor[] {
    const { seed, name, masks: count } = this.options;
    if (name === "adios") return Array.from({ length: count }, (_, n) => masks.narrow(1, n, 1)); // [B, 1, H, W] each
    const chosen = new Float32Array(ids.length * count);
    for (const [row, id] of ids.entries()) {
      chosen[row * count + new KeyedRandom(seed, purpose.occlusion, epoch, id).integer(count)] = 1;
    }
    const weights = fromTypedArray(chosen, [ids.length, count, 1, 1], { device: masks.device }); // [B, N, 1, 1]
    return [masks.mul(weights).sum([1], { keepdim: true })]; // [B, 1, H, W]
  }

  /** The occlusion model's tensors and its optimiser's, for a checkpoint. */
  state(): nn.StateDict {
    return joinParts({ model: this.model.stateDict(), optimizer: this.optimizer.stateDict().tensors });
  }

  /** Copies a checkpoint's tensors in; `steps` were done before it. */
  loadState(state: nn.StateDict, steps: number): void {
    this.model.loadStateDict(partOf(state, "model"));
    this.optimizer.loadStateDict({ steps, tensors: partOf(state, "optimizer") });
  }

  dispose(): void {
    this.model.dispose();
    this.optimizer.dispose();
  }
}

/** A view `[B, 3, H, W]` without what a mask `[B, 1, H, W]` takes, `x (1 - m)`. */
function hide(view: Tensor, mask: Tensor): Tensor {
  return view.mul(mask.neg().add(1)); // [B, 3, H, W]
}

/** Runs `fn` while a network is not learned, and puts back what its buffers count meanwhile. */
function whileFrozen(network: nn.Module, fn: () => void): void {
  const buffers = Array.from(network.namedBuffers(), ([, buffer]) => ({ buffer, before: buffer.clone() }));
  network.setRequiresGrad(false);
  try {
    fn();
  } finally {
    network.setRequiresGrad(true);
    noGrad(() => {
      for (const { buffer, before } of buffers) buffer.copy_(before);
    });
  }
}
