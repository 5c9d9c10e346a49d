import { keep, ops, scope, type Tensor } from "@salmask/torch";
import { TrainingError } from "../base/errors.js";
import type { Compute } from "../compute/compute.js";

/** Stops a run at a loss that is not finite, by {@link TrainingError} `loss-not-finite`. */
export interface LossWatch {
  /** The loss `[]` of a step, counted from 0, before anything is learned from it. */
  see(loss: Tensor, step: number): void;
  /** Called before anything of the run is written: throws where a loss that was seen is not finite. */
  settle(): void;
  dispose(): void;
}

export function lossWatch({ device }: Compute): LossWatch {
  return device === "cpu" ? new ReadAtOnce() : new ReadLater();
}

/** On a CPU a loss that is computed is known: nothing is learned from a bad one. */
export class ReadAtOnce implements LossWatch {
  see(loss: Tensor, step: number): void {
    refuseUnlessFinite(loss.item(), step, "nothing was learned from it.");
  }

  settle(): void {}

  dispose(): void {}
}

/**
 * To read a number from a GPU is to wait for all that it was given to do, and it then stands idle until it is given more. So
 * losses stay there until somebody wants to know, and are read together. What was learned from a bad one, and after it, is
 * never written: the run ends, and goes on from its last checkpoint.
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
