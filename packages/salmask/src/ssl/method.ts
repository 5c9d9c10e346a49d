import type { nn, Tensor } from "@salmask/torch";
import type { Backbone } from "../models/backbone.js";
import type { Logs, Loss, Progress } from "../training/task.js";
import type { BatchViews, View } from "../views/view.js";

/** The two views' embeddings, `[B, dim]` each, rows of length one. */
export interface Embeddings {
  readonly query: Tensor;
  readonly key: Tensor;
}

/** The result for one batch: a loss `[]` for the backward pass, and numbers for the log. */
export interface Comparison extends Loss {
  readonly embeddings: Embeddings;
}

/**
 * The loss of one batch for the pixels of its source views: float32 `[B, 3, H, W]` per source view, in the views'
 * order. A batch can be used under several masks, so it can be called several times.
 */
export type Compare = (sources: readonly Tensor[]) => Comparison;

/**
 * A method that learns from views of photos. In general, source views are masked and targets are not: gradients flow
 * through a source, and a target is what it is compared with. To add a method, write a file in this folder that makes a
 * `Method`, and add it to `registry.ts`.
 */
export interface Method {
  readonly name: string;
  /** The network that the optimizer trains. */
  readonly learned: nn.Module;
  /** The part of it whose learning rate stays at the highest; all follows the schedule if it is missing. */
  readonly constantRate?: nn.Module;
  /** The trained network: the result of a run. */
  readonly backbone: Backbone;
  /**
   * The momentum copy if the method has one, otherwise `backbone`. Saliency from the run's own encoder uses it, because
   * it is steadier.
   */
  readonly momentumBackbone: Backbone;
  /** The views of the recipe through which gradients flow. */
  sources(views: readonly View[]): readonly View[];
  /** Prepares the targets of one batch. The step, from 0, is part of every random decision's key. */
  against(batch: BatchViews, progress: Progress): Compare;
  /** The embeddings of each branch's encoder in evaluation mode; does not change the method. */
  embed(batch: BatchViews): Embeddings;
  /** Changes or drops gradients between the backward pass and the optimizer's step. */
  adjustGradients?(progress: Progress): void;
  /**
   * The weight decay of a step, where the settings have `usual`; then it is for tensors with several axes alone, not for biases and
   * norms. If it is missing, that of the settings is for all.
   */
  weightDecay?(usual: number, progress: Progress): number;
  /** Call it after the optimizer's step. `progress` is the completed share of the run, 0 to 1. */
  afterStep?(progress: number): void;
  /** Numbers of the method itself for the log, such as the fill level of a queue of past keys. */
  logs?(): Logs;
  /** Every tensor that a checkpoint must contain, by name. */
  state(): nn.StateDict;
  /** Numbers that a checkpoint must contain in addition to the tensors. */
  counters?(): Record<string, number>;
  /** Copies the tensors and numbers of a checkpoint into the method. */
  loadState(state: nn.StateDict, counters: Record<string, number>): void;
  /** Frees its networks and everything that it keeps between steps. */
  dispose(): void;
}
