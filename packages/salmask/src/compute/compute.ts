/** The device and the precision of a run's networks. */
import { availableParallelism } from "node:os";
import {
  autocast,
  buildInfo,
  cpuHasFastBfloat16,
  hasCuda,
  libtorchVersion,
  type nn,
  scope,
  setDeterministic,
  type Tensor,
  usesOneDnn,
} from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import { processesHere } from "../ranks/environment.js";
import { oneRank, type Ranks } from "../ranks/ranks.js";
import type { ComputeSettings } from "./settings.js";

/** Over which rows batch norm takes its means and variances: those of a rank, or those of all. */
export type BatchNormRows = "local" | "sync";

/** Where a network is computed, in which precision, and with which other processes. */
export interface Compute {
  readonly device: "cpu" | "cuda:0";
  /** The precision of convolutions and matrix products. Weights, statistics and losses are always float32. */
  readonly precision: "float32" | "bfloat16";
  /** Default: {@link oneRank}. */
  readonly ranks?: Ranks;
  /** Default: local, which is the same for one rank. */
  readonly batchNorm?: BatchNormRows;
}

/** The CPU in float32: the same numbers on every processor of a kind. */
export const onCpu: Compute = { device: "cpu", precision: "float32" };

/** The processes that a network is trained with. */
export const ranksOf = ({ ranks = oneRank }: Compute = onCpu): Ranks => ranks;

/** The features of the machine. Missing values are detected. */
export interface Found {
  readonly cudaIsThere?: boolean;
  /** Whether the processor multiplies bfloat16 in hardware. */
  readonly cpuIsFast?: boolean;
}

/**
 * Threads per operator of the settings. With several ranks, auto divides the cores among those on this machine. Where whoever started
 * them has given each its own cores, as Slurm can, only these are seen.
 */
export function threadsFor(threads: ComputeSettings["threads"], { worldSize }: Ranks): number {
  if (threads !== "auto") return threads;
  const sharing = worldSize === 1 ? 1 : processesHere(process.env);
  return Math.max(1, Math.floor(availableParallelism() / sharing));
}

/** Resolves the settings for this machine. Throws {@link UsageError} `no-cuda` if they require a GPU and there is none. */
export function computeOf(
  { device, precision }: Pick<ComputeSettings, "device" | "precision">,
  { cudaIsThere = hasCuda(), cpuIsFast = cpuHasFastBfloat16() && usesOneDnn() }: Found = {},
): Compute {
  if (device === "cuda" && !cudaIsThere) {
    throw new UsageError(
      "no-cuda",
      `Expected a GPU for the setting device cuda, but libtorch ${libtorchVersion()} (${buildInfo().source}) finds none. ` +
        "Give --device cpu; or, where there is one, build against a libtorch with CUDA: SALMASK_LIBTORCH=FOLDER npm run build",
    );
  }
  const isOnGpu = device === "cuda" || (device === "auto" && cudaIsThere);
  const usual = isOnGpu || cpuIsFast ? "bfloat16" : "float32";
  return { device: isOnGpu ? "cuda:0" : "cpu", precision: precision === "auto" ? usual : precision };
}

/** Says whether a GPU's operators must give the same bits each time, for this process. */
export function chooseAlgorithms({ device }: Compute, deterministic: boolean): void {
  if (device !== "cpu") setDeterministic(deterministic);
}

/**
 * Moves a network to its device, and has its batch norm see the rows that the settings say. On a GPU the weights of convolutions are
 * stored with channels last, the layout of tensor cores, and the layers' outputs then have that layout too.
 */
export function place<M extends nn.AnyModule>(network: M, compute: Compute): M {
  const { device, batchNorm } = compute;
  if (batchNorm === "sync") ranksOf(compute).syncBatchNorm(network);
  return device === "cpu" ? network : network.to(device, { memoryFormat: "channelsLast" });
}

/** Copies a tensor from the host to the device; returns the same tensor on a CPU. */
export function sent(tensor: Tensor, device: string): Tensor {
  return device === "cpu" ? tensor : tensor.to({ device });
}

/** Copies a tensor from its device to the host; returns the same tensor if it is there. */
export function received(tensor: Tensor): Tensor {
  return tensor.device === "cpu" ? tensor : tensor.to({ device: "cpu" });
}

/** Runs layers in the precision that is asked for; what comes out is of that type, or of float32. */
export function inPrecision<T>({ device, precision }: Compute, layers: () => T): T {
  return precision === "float32" ? layers() : autocast({ device, dtype: precision }, layers);
}

/**
 * Runs a network's layers on an input `[B, C, H, W]` in the precision of the settings. Planes are stored with channels
 * last, which is fastest for tensor cores and for {@link nn.Conv2d} on a CPU. The output is float32, so that losses and
 * saliency have full precision.
 */
export function runLayers(compute: Compute, input: Tensor, layers: (input: Tensor) => Tensor): Tensor {
  return scope(() => {
    const laid = input.contiguous({ memoryFormat: "channelsLast" }); // [B, C, H, W]
    const output = inPrecision(compute, () => layers(laid));
    return compute.precision === "float32" ? output : output.to({ dtype: "float32" });
  });
}
