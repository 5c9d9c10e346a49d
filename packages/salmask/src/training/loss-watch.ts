import { keep, ops, scope, type Tensor } from "@salmask/torch";
import { TrainingError } from "../base/errors.js";
import type { Compute } from "../compute/compute.js";

/** Stops a run when a loss is not finite, with {@link TrainingError} `loss-not-finite`. */
export interface LossWatch {
  /** Call it with the loss `[]` of a step, counted from 0, before the backward pass. */
  see(loss: Tensor, step: number): void;
  /** Call it before anything of the run is written: throws if any loss so far is not finite. */
  settle(): void;
  dispose(): void;
}

export function lossWatch({ device }: Compute): LossWatch {
  return device === "cpu" ? new ReadAtOnce() : new ReadLater();
}

/** On a CPU a loss can be read at once, so a bad one changes no weight; a learner before it has made its step. */
export class ReadAtOnce implements LossWatch {
  see(loss: Tensor, step: number): void {
    refuseUnlessFinite(loss.item(), step, "nothing was learned from it.");
  }

  settle(): void {}

  dispose(): void {}
}

/**
 * Reading a number from a GPU waits for all its queued work, and then the GPU is idle until it gets more. So losses
 * stay on the GPU and are read together when they are needed. Weights that were changed by a bad loss are never
 * written: the run ends, and can continue from its last checkpoint.
 */
export class ReadLater implements LossWatch {
  private unread: { step: number; loss: Tensor }[] = [];

  see(loss: Tensor, step: number): void {
    this.unread.push({ step, loss: keep(loss.detach()) });
  }

  settle(): void {
    if (this.unread.length === 0) return;
    const steps = this.unread.map(({ step }) => step);
    const values = scope(() => ops.stack(this.unread.map(({ loss }) => loss)).toFloat32Array()); // [steps]
    this.dispose();
    for (const [i, value] of values.entries())
      refuseUnlessFinite(value, steps[i], "what was learned from it is not written.");
  }

  dispose(): void {
    for (const { loss } of this.unread) loss.dispose();
    this.unread = [];
  }
}

function refuseUnlessFinite(value: number, step: number, outcome: string): void {
  if (Number.isFinite(value)) return;
  throw new TrainingError("loss-not-finite", `The loss of step ${step} is ${value}; ${outcome}`);
}
