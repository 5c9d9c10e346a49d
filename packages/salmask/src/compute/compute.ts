/** Where a run's networks are computed, and in which precision. */
import {
  autocast,
  buildInfo,
  cpuHasFastBfloat16,
  hasCuda,
  libtorchVersion,
  type nn,
  scope,
  type Tensor,
} from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import type { ComputeSettings } from "./settings.js";

export interface Compute {
  readonly device: "cpu" | "cuda:0";
  /** Of convolutions and matrix products. Weights, statistics and losses are float32 always. */
  readonly precision: "float32" | "bfloat16";
}

export const onCpu: Compute = { device: "cpu", precision: "float32" };

/** What the machine has; asked of it where it is not given. */
export interface Found {
  readonly cudaIsThere?: boolean;
  /** Whether the processor multiplies bfloat16 in hardware. */
  readonly cpuIsFast?: boolean;
}

/** What the settings mean on this machine. Throws {@link UsageError} `no-cuda` where a GPU is asked for and none is there. */
export function computeOf(
  { device, precision }: Pick<ComputeSettings, "device" | "precision">,
  { cudaIsThere = hasCuda(), cpuIsFast = cpuHasFastBfloat16() }: Found = {},
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

/**
 * Moves a network to where it is computed. On a GPU its convolutions' weights lie with their channels last, as tensor
 * cores read them; what goes through them then does so too.
 */
export function place<M extends nn.Module>(network: M, { device }: Compute): M {
  return device === "cpu" ? network : network.to(device, { memoryFormat: "channelsLast" });
}

/** A host's tensor on the device: itself on a CPU, else a copy. */
export function sent(tensor: Tensor, device: string): Tensor {
  return device === "cpu" ? tensor : tensor.to({ device });
}

/**
 * Runs a network's layers on an input `[B, C, H, W]`, in the precision that is asked for. Planes are
 * laid out with their channels last, as tensor cores and {@link nn.Conv2d} on a CPU want them. What comes out is float32, so
 * that losses and saliency are computed in full.
 */
export function runLayers(
  { device, precision }: Compute,
  input: Tensor,
  layers: (input: Tensor) => Tensor,
): Tensor {
  return scope(() => {
    const laid = input.contiguous({ memoryFormat: "channelsLast" }); // [B, C, H, W]
    if (precision === "float32") return layers(laid);
    return autocast({ device, dtype: precision }, () => layers(laid)).to({ dtype: "float32" });
  });
}
