import type { nn, Tensor } from "@salmask/torch";
import type { Backbone } from "../models/backbone.js";
import type { Logs, Loss } from "../training/task.js";
import type { BatchViews, View } from "../views/view.js";

/** The two views' embeddings, `[B, dim]` each, rows of length one. */
export interface Embeddings {
  readonly query: Tensor;
  readonly key: Tensor;
}

/** What a comparison of one batch comes to: a loss `[]` to go backward from, and numbers for the log. */
export interface Comparison extends Loss {
  readonly embeddings: Embeddings;
}

/**
 * The loss of one batch, given what its sources show: float32 `[B, 3, H, W]` per source view, in the views' order. A photo
 * may be shown under more than one mask, so it may be asked for several times.
 */
export type Compare = (sources: readonly Tensor[]) => Comparison;

/**
 * A way to learn from views of photos. The general rule of masking is that sources are masked and targets are clean: a source
 * is what the loss goes through, a target what it is compared with. To add one, write a file beside this one that makes a
 * `Method`, and name it in `registry.ts`.
 */
export interface Method {
  readonly name: string;
  /** What the optimizer changes. */
  readonly learned: nn.Module;
  /** The network that saliency may be read from while the run goes on, and that is handed on afterwards. */
  readonly backbone: Backbone;
  /** The slowly moving copy, where the method has one; the steadier of the two. */
  readonly momentumBackbone: Backbone;
  /** The views whose gradients are learned from, of those that the recipe shows. */
  sources(views: readonly View[]): readonly View[];
  /** Gets one batch's targets ready. `step` counts from 0 and is part of every random decision's key. */
  against(batch: BatchViews, step: number): Compare;
  /** What each branch's encoder makes of its view in evaluation; nothing of the method changes. */
  embed(batch: BatchViews): Embeddings;
  /** After the optimizer's step. `progress` is the share of the run that is done, 0 to 1. */
  afterStep(progress: number): void;
  /** Numbers of the method itself for the log, such as how full a memory of past keys is. */
  logs(): Logs;
  /** Every tensor that a checkpoint has to hold, by name. */
  state(): nn.StateDict;
  /** Numbers that a checkpoint has to hold beside the tensors. */
  counters(): Record<string, number>;
  /** Copies a checkpoint's tensors in, and the numbers beside them. */
  loadState(state: nn.StateDict, counters: Record<string, number>): void;
  dispose(): void;
}
