import { fileURLToPath } from "node:url";
import { UsageError } from "../base/errors.js";
import { type Compute, onCpu } from "../compute/compute.js";
import { loadBackbone } from "../weights/files.js";
import { isLocalizationFile, loadLocalization } from "../weights/localization.js";
import { inputOf } from "../weights/metadata.js";
import { saliencyOf } from "./networks/class-attention.js";
import { LocalizerSource, localizerCues } from "./networks/localizer.js";
import { OnnxSource } from "./networks/onnx.js";
import { runlessSource } from "./registry.js";
import type { SaliencySettings } from "./settings.js";
import type { LateSaliencySource, SaliencySource } from "./source.js";

/** The localization network in this package. `localizer.json` beside it says how it was trained, and on which photos. */
export const localizerWeights = fileURLToPath(
  new URL("../../weights/localizer.safetensors", import.meta.url),
);

/** Which source is opened, and from which file of weights. */
export type SourceOptions = Pick<SaliencySettings, "source" | "weights">;

/**
 * Opens a source that needs no run. Throws {@link UsageError} `no-saliency-yet` for a run's own encoder,
 * `maps-are-of-photos` for maps in files, `no-onnx-file` for an ONNX source without a file.
 */
export async function openSource(
  { source, weights }: SourceOptions,
  compute: Compute = onCpu,
): Promise<SaliencySource | LateSaliencySource> {
  switch (source) {
    case "scda":
      return scdaOf(weights ?? localizerWeights, compute);
    case "onnx":
      if (weights !== undefined) return OnnxSource.open(weights);
      throw new UsageError(
        "no-onnx-file",
        "Expected an ONNX file for the saliency source onnx, but none was named. Give --saliency.weights FILE.onnx.",
      );
    case "own":
      throw new UsageError(
        "no-saliency-yet",
        "Expected saliency that needs no run, but own is the encoder that a run trains. " +
          "Leave --saliency.source out, or give --saliency.weights RUN/weights.safetensors.",
      );
    case "maps":
      throw new UsageError(
        "maps-are-of-photos",
        "Expected a saliency source that looks at pictures, but maps are files of whole photos, which only training reads.",
      );
    default:
      return runlessSource(source);
  }
}

function scdaOf(path: string, compute: Compute): SaliencySource {
  if (isLocalizationFile(path)) {
    const { network, side } = loadLocalization(path, localizerCues);
    return new LocalizerSource(network, side, compute);
  }
  const { backbone, metadata } = loadBackbone(path);
  return saliencyOf(backbone, inputOf(metadata).fill.prepare, compute);
}
