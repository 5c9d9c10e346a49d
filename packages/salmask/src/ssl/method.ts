import type { nn, Tensor } from "@salmask/torch";
import type { ResNet } from "../models/resnet.js";

/** What one step compares: the two views after masking, and the hard negatives of the keys. */
export interface Views {
  /** `[B, 3, H, W]` */
  query: Tensor;
  /** `[B, 3, H, W]` */
  key: Tensor;
  /** `[M * B, 3, H, W]`, rows m * B + i made from key i, or `[M, 3, H, W]` from the first; null where the run has none. */
  negatives: Tensor | null;
  /** `[M * B]`: which row of `negatives` each query has; null where row m * B + i is query i's. */
  negativeRows: Int32Array | null;
  /** bool `[M * B]`: false where a photo had no object to remove, and its negative would be a second positive. */
  negativeValid: Tensor | null;
}

/** What a query is compared with. */
export type Others = Omit<Views, "query">;

/** The two views' embeddings, `[B, dim]` each, rows of length one. */
export interface Embeddings {
  query: Tensor;
  key: Tensor;
}

/** A loss `[]` to go backward from, and numbers for the log. */
export interface StepResult extends Embeddings {
  loss: Tensor;
  /** Share of queries that are nearest to their own key among all that they are compared with, hard negatives left out. */
  contrastAccuracy: Tensor;
}

/** The loss of one batch, given its query views `[B, 3, H, W]`. */
export type Compare = (query: Tensor) => StepResult;

/**
 * A way to learn from two views. To add one, write a file beside this one that returns a `Method`, and name it in
 * `registry.ts`.
 */
export interface Method {
  readonly name: string;
  /** What the optimiser changes. */
  readonly learned: nn.Module;
  /** Every tensor that a checkpoint has to hold, by name. */
  state(): nn.StateDict;
  /** Copies a checkpoint's tensors in, and the numbers beside them. */
  loadState(state: nn.StateDict, counters: Record<string, number>): void;
  /** Numbers that a checkpoint has to hold beside the tensors. */
  counters(): Record<string, number>;
  /**
   * Gets one batch's keys ready, so that several queries can be compared with the same: a photo may be seen under more
   * than one mask. `step` counts from 0 and is part of every random decision's key.
   */
  against(others: Others, step: number): Compare;
  /** What each branch's encoder makes of its views in evaluation; nothing of the method changes. */
  embed(views: Pick<Views, "query" | "key">): Embeddings;
  /** After the optimiser's step. */
  afterStep(): void;
  /** The network that saliency may be read from while the run goes on, and that is handed on afterwards. */
  readonly backbone: ResNet;
  /** The slowly moving copy, where the method has one; the steadier of the two. */
  readonly momentumBackbone: ResNet;
  /** How full the memory of past keys is, 0 to 1; null where the method has none. */
  queueFill(): number | null;
  dispose(): void;
}
