/** ADIOS (Shi et al. 2022, "Adversarial Masking for Self-Supervised Learning"): masks that learn to oppose the method. */
import {
  fromTypedArray,
  Generator,
  KeyedRandom,
  keep,
  type nn,
  noGrad,
  scope,
  type Tensor,
} from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { Compute } from "../../compute/compute.js";
import type { Loss } from "../../training/task.js";
import type { Compare } from "../method.js";
import { OcclusionModel } from "./occlusion-model.js";
import { sparsityPenalty } from "./sparsity-penalty.js";

export interface OcclusionOptions {
  readonly seed: number;
  /** `adios`: each mask in turn occludes each photo. `adios-s`: one of the masks does, drawn again in each epoch. */
  readonly name: "adios" | "adios-s";
  /** Side of the views in pixels. */
  readonly crop: number;
  /** N */
  readonly masks: number;
  /** alpha, the weight of the penalty. */
  readonly sparsity: number;
  /** Channels of the occlusion model's first level. */
  readonly channels: number;
  /** Default: the CPU in float32. */
  readonly compute?: Compute;
}

/** The random key of a step's choice of masks. */
export interface OcclusionKey {
  readonly epoch: number;
  /** `[B]`: the photos' numbers in the data set. */
  readonly ids: Int32Array;
}

/** The sources of a batch under its masks. */
export interface Occluded {
  /** float32 `[B, 3, H, W]` each, `[version][source]`: the method's inputs, without gradients to the masks. */
  readonly versions: readonly (readonly Tensor[])[];
  /** Mean hidden share of a source. Waits for the device. */
  maskedShare(): number;
  /**
   * The losses of the occlusion model on the same batch: the negative loss of the method, and a penalty against empty
   * and full masks. `learned` is the method's network; it does not change, including the running statistics of batch
   * norm.
   */
  losses(compare: Compare, learned: nn.Module): Iterable<Loss>;
}

/**
 * The second player of ADIOS. It learns masks of the sources that increase the method's loss, while the method learns
 * to reduce it (section 3). Each of them does one step per batch.
 */
export class Occlusion {
  readonly model: OcclusionModel;

  constructor(private readonly options: OcclusionOptions) {
    // Parts 0 and 1 are the weights of the method: its encoder, and its predictor or prototypes.
    const generator = new Generator(new KeyedRandom(options.seed, purpose.weights, 2).uint32());
    this.model = new OcclusionModel({ ...options, generator });
  }

  /** @param sources `[B, 3, H, W]` each, of the same photos */
  occlude(sources: readonly Tensor[], key: OcclusionKey): Occluded {
    // Both players use the same masks: the model does not change between their steps, so one forward pass is enough for
    // both.
    const made = sources.map((source) => {
      const masks = scope(() => this.model.forward(source)); // [B, N, H, W]
      const leaf = masks.detach(); // [B, N, H, W]
      leaf.requiresGrad = true;
      return { source, masks, leaf };
    });
    return noGrad(() => {
      const applied = made.map(({ masks }, source) => this.applied(masks.detach(), key, source)); // [source][version], [B, 1, H, W] each
      const versions = applied[0].map((_, version) =>
        made.map(({ source }, i) => hide(source, applied[i][version])),
      );
      const all = applied.flat();
      return {
        versions,
        maskedShare: () => scope(() => all.reduce((sum, mask) => sum + mask.mean().item(), 0) / all.length),
        losses: (compare, learned) => this.losses(made, key, compare, learned),
      };
    });
  }

  private *losses(
    made: readonly { source: Tensor; masks: Tensor; leaf: Tensor }[],
    key: OcclusionKey,
    compare: Compare,
    learned: nn.Module,
  ): Iterable<Loss> {
    const none = () => ({});
    const thaw = freeze(learned);
    try {
      // The backward pass of each version ends before the next starts, so that only one encoder graph is in memory.
      for (let version = 0; version < this.versions; version++) {
        const hidden = made.map(({ source, leaf }, i) => hide(source, this.applied(leaf, key, i)[version]));
        yield { loss: compare(hidden).loss.neg(), logs: none };
      }
    } finally {
      thaw();
    }
    for (const { leaf, masks } of made) {
      yield { loss: sparsityPenalty(leaf).mul(this.options.sparsity), logs: none };
      // Passes the gradients of the masks to the model: the gradient of this sum with respect to the masks is
      // `gradient`.
      const gradient = leaf.grad;
      if (gradient !== null) yield { loss: masks.mul(gradient).sum(), logs: none };
    }
  }

  /** The number of occluded versions of a source per step. */
  private get versions(): number {
    return this.options.name === "adios" ? this.options.masks : 1;
  }

  /** The mask of each version of a source, `[B, 1, H, W]`: each mask in turn, or for ADIOS-s the mask drawn with the photo's key. */
  private applied(masks: Tensor, { epoch, ids }: OcclusionKey, source: number): Tensor[] {
    const { seed, name, masks: count } = this.options;
    if (name === "adios") return Array.from({ length: count }, (_, n) => masks.narrow(1, n, 1)); // [B, 1, H, W] each
    const chosen = new Float32Array(ids.length * count);
    for (const [row, id] of ids.entries()) {
      chosen[row * count + new KeyedRandom(seed, purpose.occlusion, epoch, id, source).integer(count)] = 1;
    }
    const weights = fromTypedArray(chosen, [ids.length, count, 1, 1], { device: masks.device }); // [B, N, 1, 1]
    return [masks.mul(weights).sum([1], { keepdim: true })]; // [B, 1, H, W]
  }

  dispose(): void {
    this.model.dispose();
  }
}

/** A view `[B, 3, H, W]` without the part under a mask `[B, 1, H, W]`: `x (1 - m)`. */
function hide(view: Tensor, mask: Tensor): Tensor {
  return view.mul(mask.neg().add(1)); // [B, 3, H, W]
}

/** Freezes a network until the returned function is called. That function also restores the network's buffers. */
function freeze(network: nn.Module): () => void {
  const buffers = Array.from(network.namedBuffers(), ([, buffer]) => ({
    buffer,
    before: keep(buffer.clone()),
  }));
  // A method may leave parameters as they were drawn.
  const learning = network.parameters().filter(({ requiresGrad }) => requiresGrad);
  network.setRequiresGrad(false);
  return () => {
    for (const parameter of learning) parameter.requiresGrad = true;
    noGrad(() => {
      for (const { buffer, before } of buffers) {
        buffer.copy_(before);
        before.dispose();
      }
    });
  };
}
