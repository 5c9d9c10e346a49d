import { noGrad } from "../autograd.js";
import type { ProcessGroup } from "../distributed/process-group.js";
import { ones, zeros } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** Batch normalisation over the second axis, as PyTorch's `BatchNorm1d` and `BatchNorm2d`. */
export class BatchNorm extends Module {
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly numBatchesTracked: Tensor;
  /** Share of a batch in the running statistics; null: they become the mean over all batches, as PyTorch's `momentum=None`. */
  momentum: number | null;
  private readonly eps: number;
  #isFrozen = false;
  #group: ProcessGroup | null = null;

  constructor(features: number, options: { momentum?: number | null; eps?: number; affine?: boolean } = {}) {
    super();
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    this.eps = options.eps ?? 1e-5;
    const affine = options.affine ?? true;
    this.weight = affine ? this.registerParameter("weight", ones([features])) : null;
    this.bias = affine ? this.registerParameter("bias", zeros([features])) : null;
    this.runningMean = this.registerBuffer("running_mean", zeros([features]));
    this.runningVar = this.registerBuffer("running_var", ones([features]));
    this.numBatchesTracked = this.registerBuffer("num_batches_tracked", zeros([], { dtype: "int64" }));
  }

  /**
   * From now on normalises by its running statistics in training too, and neither they nor its parameters change:
   * torchvision's `FrozenBatchNorm2d`, which has no `num_batches_tracked`. Returns itself.
   */
  freeze(): this {
    this.#isFrozen = true;
    this.setRequiresGrad(false);
    return this;
  }

  /** Whether {@link freeze} was called. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Takes the statistics of training over the ranks of a group, or with null over this process's batch, as at first. */
  synchronize(group: ProcessGroup | null): void {
    this.#group = group;
  }

  forward(input: Tensor): Tensor {
    return this.normalize(input, {});
  }

  /**
   * Normalises, adds `residual` if it is given, and applies ReLU: the end of a ResNet layer. In training, one kernel
   * does all three for a float32 input `[B, C, H, W]` on a CPU with channels last (native/batch_norm.cc).
   */
  forwardRelu(input: Tensor, residual: Tensor | null = null): Tensor {
    return this.normalize(input, { residual, relu: true });
  }

  private normalize(input: Tensor, then: { residual?: Tensor | null; relu?: boolean }): Tensor {
    const counts = this.training && !this.#isFrozen;
    if (counts) noGrad(() => this.numBatchesTracked.add_(1));
    const momentum = this.momentum ?? (counts ? 1 / this.numBatchesTracked.item() : 0);
    const computed = (group: number) =>
      ops.fastBatchNorm(
        input,
        this.weight,
        this.bias,
        this.runningMean,
        this.runningVar,
        counts,
        momentum,
        this.eps,
        { ...then, group },
      );
    const group = counts ? this.#group : null;
    if (group === null) return computed(0);
    return group.guard("synchronised batch normalisation", () => computed(group.number));
  }
}

/** PyTorch's name for batch normalisation of `[B, C, H, W]`. */
export class BatchNorm2d extends BatchNorm {}

/** PyTorch's name for batch normalisation of `[B, C]`. */
export class BatchNorm1d extends BatchNorm {}
