/** Keeps the encoders of a run's last epochs, so that scores can be means over them. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Report } from "../../base/events.js";
import type { RunConfig } from "../../config/schema.js";
import type { Backbone } from "../../models/backbone.js";
import type { RunFolder } from "../../runs/run-folder.js";
import { saveBackbone } from "../../weights/files.js";
import { weightsMetadata } from "../../weights/metadata.js";

/**
 * Reports on, and writes the encoder at the end of each of the last `train.keepEncoders` epochs before the last one, whose encoder is the
 * run's weights.
 */
export function keepingEncoders(
  backbone: Backbone,
  { folder, config }: { readonly folder: RunFolder; readonly config: RunConfig },
  report: Report,
): Report {
  const { epochs, keepEncoders = 0 } = config.train;
  let stepsPerEpoch = 1;
  return (event) => {
    if (event.kind === "begin") stepsPerEpoch = event.stepsPerEpoch;
    if (event.kind === "step" && event.step % stepsPerEpoch === 0) {
      const left = epochs - event.step / stepsPerEpoch;
      if (left >= 1 && left <= keepEncoders) {
        const path = folder.encoderAfter(epochs - left);
        mkdirSync(dirname(path), { recursive: true });
        saveBackbone(path, backbone, weightsMetadata(config));
      }
    }
    report(event);
  };
}
