/** ADIOS (Shi et al. 2022, "Adversarial Masking for Self-Supervised Learning"): masks that are learned against the method. */
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
  /** `adios`: each photo is occluded by each mask in turn; `adios-s`: by one of them, drawn anew each epoch. */
  readonly name: "adios" | "adios-s";
  /** Side of the views in pixels. */
  readonly crop: number;
  /** N */
  readonly masks: number;
  /** alpha, the weight of the penalty. */
  readonly sparsity: number;
  /** Channels of the occlusion model's first level. */
  readonly channels: number;
  /** The CPU in float32 where it is not given. */
  readonly compute?: Compute;
}

/** What a step's choice of masks depends on. */
export interface OcclusionKey {
  readonly epoch: number;
  /** `[B]`: the photos' numbers in the data set. */
  readonly ids: Int32Array;
}

/** A batch's sources under its masks. */
export interface Occluded {
  /** float32 `[B, 3, H, W]` each, `[version][source]`: what the method is to learn from, without gradient to the masks. */
  readonly versions: readonly (readonly Tensor[])[];
  /** Mean share of a source that is hidden. To ask is to wait for the device. */
  maskedShare(): number;
  /**
   * The other player's losses on the same batch: the method's with its sign turned, and a penalty that keeps masks from being
   * empty or full. `learned` is the method's network; it stays as it is, batch norm's running statistics included.
   */
  losses(compare: Compare, learned: nn.Module): Iterable<Loss>;
}

/**
 * The other player of ADIOS: it learns masks of the sources that make the method's loss large, while the method learns to make
 * it small (section 3). One step of each is done on every batch.
 */
export class Occlusion {
  readonly model: OcclusionModel;

  constructor(private readonly options: OcclusionOptions) {
    const generator = new Generator(new KeyedRandom(options.seed, purpose.weights, 1).uint32());
    this.model = new OcclusionModel({ ...options, generator });
  }

  /** @param sources `[B, 3, H, W]` each, of the same photos */
  occlude(sources: readonly Tensor[], key: OcclusionKey): Occluded {
    // Both players see the same masks: the model does not change between their steps, so one pass serves both.
    const made = sources.map((source) => {
      const masks = scope(() => this.model.forward(source)); // [B, N, H, W]
      const leaf = masks.detach(); // [B, N, H, W]
      leaf.requiresGrad = true;
      return { source, masks, leaf };
    });
    return noGrad(() => {
      const applied = made.map(({ masks }) => this.applied(masks.detach(), key)); // [source][version], [B, 1, H, W] each
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
      // Each version goes backward to the masks before the next begins, so that only one encoder graph is held.
      for (let version = 0; version < this.versions; version++) {
        const hidden = made.map(({ source, leaf }) => hide(source, this.applied(leaf, key)[version]));
        yield { loss: compare(hidden).loss.neg(), logs: none };
      }
    } finally {
      thaw();
    }
    for (const { leaf, masks } of made) {
      yield { loss: sparsityPenalty(leaf).mul(this.options.sparsity * this.versions), logs: none };
      // What the masks' values were worth, on to the model that made them: the gradient of this sum is theirs.
      const gradient = leaf.grad;
      if (gradient !== null) yield { loss: masks.mul(gradient).sum(), logs: none };
    }
  }

  /** Occluded versions of a source that a step learns from. */
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

  dispose(): void {
    this.model.dispose();
  }
}

/** A view `[B, 3, H, W]` without what a mask `[B, 1, H, W]` takes, `x (1 - m)`. */
function hide(view: Tensor, mask: Tensor): Tensor {
  return view.mul(mask.neg().add(1)); // [B, 3, H, W]
}

/** Stops a network from being learned, until what is returned is called; that also restores what its buffers counted. */
function freeze(network: nn.Module): () => void {
  const buffers = Array.from(network.namedBuffers(), ([, buffer]) => ({
    buffer,
    before: keep(buffer.clone()),
  }));
  network.setRequiresGrad(false);
  return () => {
    network.setRequiresGrad(true);
    noGrad(() => {
      for (const { buffer, before } of buffers) {
        buffer.copy_(before);
        before.dispose();
      }
    });
  };
}
