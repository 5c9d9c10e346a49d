/** The processes that train one network together, each on its part of every batch. */
import type { nn, Tensor } from "@salmask/torch";

/** Averages the gradients of one learner's parameters over the ranks while a backward pass makes them. */
export interface GradientReducer {
  /**
   * Call it before each backward pass, on every rank. With `sync` false, gradients of the pass stay those of this rank until the next
   * pass, with which they are averaged. Default true.
   */
  prepareForBackward(options?: { readonly sync?: boolean }): void;
  dispose(): void;
}

/**
 * What a rank does together with the others. Every rank calls the same methods in the same order. With one rank each returns what it
 * was given, so that code reads the same for one rank and for many: see {@link oneRank}.
 *
 * A batch of B photos is divided evenly: rank r has the rows from r * B / W to (r + 1) * B / W - 1. A loss is the mean over a rank's
 * own rows, with what it compares them with gathered; the mean of the ranks' gradients is then the gradient of the whole batch's loss.
 */
export interface Ranks {
  /** 0 to `worldSize - 1`. */
  readonly rank: number;
  /** How many processes there are, W. */
  readonly worldSize: number;
  /** Whether this is rank 0, which writes and reports. */
  readonly isFirst: boolean;

  /** This rank's part `[B / W]` of the photos of a batch `[B]`. */
  slice(ids: Int32Array): Int32Array;
  /** This rank's part `[..., B / W, ...]` of `[..., B, ...]`, along `dim`. Default 0. */
  own(all: Tensor, dim?: number): Tensor;
  /** The rows of all ranks along `dim`, in the ranks' order: `[..., n, ...]` to `[..., W n, ...]`. Without gradients. Default 0. */
  gather(own: Tensor, dim?: number): Tensor;
  /** The same along the first axis, with gradients: those of all ranks for this rank's rows are added. */
  gatherWithGradients(own: Tensor): Tensor;
  /** The sum over the ranks of a tensor that has the same shape on each. Without gradients. */
  sum(own: Tensor): Tensor;
  /** The mean over the ranks of a tensor that has the same shape on each. Without gradients. */
  mean(own: Tensor): Tensor;
  /** Gives each of the tensors the mean of its values over the ranks. */
  average(tensors: readonly Tensor[]): void;
  /** From now on batch norm in a network uses the mean and the variance over the rows of all ranks. */
  syncBatchNorm(network: nn.AnyModule): void;
  /** One that averages the gradients of these parameters, which are the same on each rank. The caller frees it. */
  reducer(parameters: readonly Tensor[]): GradientReducer;

  /** The values of all ranks in their order: what JSON keeps of them. For a few numbers, not for tensors. */
  exchange<T>(own: T): T[];
  /** Whether it is true on any rank. */
  some(own: boolean): boolean;
  /**
   * Rank 0 does the work and the others wait for as long as it takes. All get its result: what JSON keeps of it. Where the work throws,
   * every rank throws.
   */
  onFirst<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Every rank does the work, but the others begin when rank 0 is done, for as long as it takes. For what leaves something on the disk
   * that need not be made again. Where it throws on rank 0, every rank throws.
   */
  firstThenOthers<T>(work: () => Promise<T>): Promise<T>;
}

const noReducer: GradientReducer = { prepareForBackward: () => {}, dispose: () => {} };

/** One process alone. */
export const oneRank: Ranks = {
  rank: 0,
  worldSize: 1,
  isFirst: true,
  slice: (ids) => ids,
  own: (all) => all,
  gather: (own) => own,
  gatherWithGradients: (own) => own,
  sum: (own) => own,
  mean: (own) => own,
  average: () => {},
  syncBatchNorm: () => {},
  reducer: () => noReducer,
  exchange: (own) => [own],
  some: (own) => own,
  onFirst: (work) => work(),
  firstThenOthers: (work) => work(),
};
