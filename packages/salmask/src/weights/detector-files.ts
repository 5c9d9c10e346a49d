/** Files of a detector: safetensors with torchvision's names, and what is needed to build it again. */
import {
  Generator,
  loadSafetensors,
  type nn,
  readSafetensorsMetadata,
  saveSafetensors,
  scope,
} from "@salmask/torch";
import { CheckpointError, messageOf } from "../base/errors.js";
import { type Compute, onCpu } from "../compute/compute.js";
import { Detector } from "../detection/rcnn.js";
import type { Backbone } from "../models/backbone.js";
import { createBackbone } from "../models/registry.js";
import { type DetectorDescription, detectorDescription } from "./detector-description.js";
import { anchorsPerPlace, detectorShapes } from "./detector-shapes.js";
import { refuseLarger } from "./files.js";
import { refuseOtherShapes } from "./shapes.js";

/** Of each place of a feature map: the designs of the papers have 3 and 15. A detector builds them for each place that it looks at. */
const mostAnchors = 1000;

/** A detector and what it was built from. */
export interface LoadedDetector {
  readonly detector: Detector;
  readonly description: DetectorDescription;
}

const key = "detector";

/** A detector on a backbone, which becomes its own; the generator draws the weights of the rest. */
export function buildDetector(
  { settings, categories, highPass }: Omit<DetectorDescription, "backbone">,
  backbone: Backbone,
  generator: Generator,
  compute: Compute = onCpu,
): Detector {
  const parts = { backbone, classes: categories.length, settings, compute, generator };
  return new Detector(highPass === null ? parts : { ...parts, highPass });
}

export function saveDetector(path: string, detector: Detector, description: DetectorDescription): void {
  const metadata = { format: "pt", task: "detection", [key]: JSON.stringify(description) };
  saveSafetensors(path, detector.stateDict(), metadata);
}

/** Whether a safetensors file is of a detector. */
export const isDetectorFile = (path: string): boolean => readSafetensorsMetadata(path)[key] !== undefined;

function refuseManyAnchors({ settings }: DetectorDescription): void {
  const anchors = anchorsPerPlace(settings);
  if (anchors <= mostAnchors) return;
  throw new Error(`Expected at most ${mostAnchors} anchors for each place, got ${anchors}`);
}

/** A detector with these weights, whose sizes have been compared with the description. */
function detectorOf(description: DetectorDescription, state: nn.StateDict, compute: Compute): Detector {
  const generator = new Generator(0);
  const backbone = createBackbone(description.backbone, generator);
  let detector: Detector | null = null;
  try {
    detector = buildDetector(description, backbone, generator, compute);
    detector.loadStateDict(state);
    return detector.eval().setRequiresGrad(false);
  } catch (error) {
    (detector ?? backbone).dispose();
    throw error;
  }
}

/** The detector of a file, in eval mode. Throws {@link CheckpointError} `not-a-detector`, `unusable-weights`. */
export function loadDetector(path: string, compute: Compute = onCpu): LoadedDetector {
  return scope(() => {
    try {
      const text = readSafetensorsMetadata(path)[key];
      if (text === undefined) {
        throw new CheckpointError(
          "not-a-detector",
          `Expected a detector's weights in ${path}, got others. Train one: salmask detect train ENCODER PHOTOS`,
        );
      }
      const description = detectorDescription.parse(JSON.parse(text));
      const state = loadSafetensors(path);
      refuseLarger(description.backbone, state);
      refuseManyAnchors(description);
      refuseOtherShapes(state, detectorShapes(description));
      return { detector: detectorOf(description, state, compute), description };
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      const why = messageOf(error);
      throw new CheckpointError("unusable-weights", `Expected usable weights in ${path}, got: ${why}`, error);
    }
  });
}
