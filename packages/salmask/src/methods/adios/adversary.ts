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
import { joinParts, partOf } from "../../models/state-dict.js";
import { purpose } from "../../purposes.js";
import type { Method, Views } from "../method.js";
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
}

/** Where in the run a step is. */
export interface StepKey {
  epoch: number;
  /** From 0, over all epochs. */
  step: number;
  /** `[B]`: the photos' numbers in the data set. */
  ids: Int32Array;
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

  /** The views that the method is to learn from: the query under each mask that applies, without gradient to the masks. */
  occluded(views: Views, key: StepKey): Views[] {
    return noGrad(() => {
      const masks = this.model.forward(views.query); // [B, N, H, W]
      return Array.from({ length: this.versions }, (_, n) => occlude(views, this.mask(masks, n, key)));
    });
  }

  /**
   * One step that raises the method's loss on these views and keeps the masks from being empty or full. The method's own
   * weights stay as they are; its batch-norm layers see the batch as in training.
   */
  learn(method: Method, views: Views, key: StepKey): void {
    scope(() => {
      const masks = this.model.forward(views.query); // [B, N, H, W]
      const leaf = masks.detach(); // [B, N, H, W]
      leaf.requiresGrad = true;
      method.learned.setRequiresGrad(false);
      try {
        // Each version goes backward to the masks before the next begins, so that only one encoder graph is held.
        for (let n = 0; n < this.versions; n++) {
          scope(() => {
            const version = occlude(views, this.mask(leaf, n, key));
            method.step(version, key.step).loss.neg().backward();
          });
        }
        const penalty = sparsityPenalty(leaf).mul(this.options.sparsity * this.versions); // []
        penalty.backward();
      } finally {
        method.learned.setRequiresGrad(true);
      }
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

  /** What occludes version n, `[B, 1, H, W]`: mask n, or for ADIOS-s the one that each photo's key names. */
  private mask(masks: Tensor, n: number, { epoch, ids }: StepKey): Tensor {
    const { seed, name, masks: count } = this.options;
    if (name === "adios") return masks.narrow(1, n, 1); // [B, 1, H, W]
    const chosen = new Float32Array(ids.length * count);
    for (const [row, id] of ids.entries()) {
      chosen[row * count + new KeyedRandom(seed, purpose.occlusion, epoch, id).integer(count)] = 1;
    }
    const weights = fromTypedArray(chosen, [ids.length, count, 1, 1]).to({ device: masks.device }); // [B, N, 1, 1]
    return masks.mul(weights).sum([1], { keepdim: true }); // [B, 1, H, W]
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

/** The query without what the mask takes, `x (1 - m)`; the key stays whole. */
function occlude(views: Views, mask: Tensor): Views {
  return { ...views, query: views.query.mul(mask.neg().add(1)) }; // [B, 3, H, W]
}
