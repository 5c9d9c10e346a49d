import { UsageError } from "../errors.js";
import { type RunlessSource, runlessSource } from "../saliency/registry.js";
import { ScdaSource } from "../saliency/scda.js";
import type { SaliencySource } from "../saliency/source.js";
import { loadBackbone } from "./weights.js";
import { inputOf } from "./weights-metadata.js";

export interface SourceOptions {
  source: "scda" | RunlessSource | "maps";
  /** Safetensors of SCDA's network. */
  weights?: string;
}

/**
 * Saliency that needs no run: of the weights given, or of a source without any. Throws {@link UsageError}
 * `no-saliency-yet` for SCDA without weights, which reads a run's own encoder.
 */
export function sourceWithoutRun({ source, weights }: SourceOptions): SaliencySource {
  if (source === "maps") {
    throw new UsageError(
      "maps-are-of-photos",
      "Expected a saliency source that looks at pictures, but maps are files of whole photos, which only training reads.",
    );
  }
  if (source !== "scda") return runlessSource(source);
  if (weights !== undefined) {
    const { backbone, metadata } = loadBackbone(weights);
    return new ScdaSource(backbone, inputOf(metadata).fill.prepare);
  }
  throw new UsageError(
    "no-saliency-yet",
    "Expected saliency that needs no run, but scda without weights reads the run's own encoder. " +
      "Give --saliency.weights FILE, or --saliency.source spectral-residual.",
  );
}
