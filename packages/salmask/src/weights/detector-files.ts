/** Files of a detector: safetensors with torchvision's names, and what is needed to build it again. */
import { Generator, loadSafetensors, readSafetensorsMetadata, saveSafetensors, scope } from "@salmask/torch";
import { z } from "zod";
import { CheckpointError, messageOf } from "../base/errors.js";
import { type Compute, onCpu } from "../compute/compute.js";
import { Detector } from "../detection/rcnn.js";
import { detectionSettings } from "../detection/settings.js";
import type { Backbone } from "../models/backbone.js";
import { createBackbone } from "../models/registry.js";
import { modelSettings } from "../models/settings.js";
import { refuseLarger } from "./files.js";

const descriptionSchema = z.object({
  backbone: modelSettings,
  settings: detectionSettings,
  /** The numbers and names that the annotations gave them. */
  categories: z.array(z.object({ id: z.int(), name: z.string() })),
  /** The fixed first layer; null where photos are seen as they are. */
  highPass: z.object({ kernel: z.int(), sigma: z.number() }).nullable(),
});

/** What a detector is built from. It is JSON, so that its file can carry it. */
export interface DetectorDescription extends z.infer<typeof descriptionSchema> {}

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
      const description = descriptionSchema.parse(JSON.parse(text));
      const state = loadSafetensors(path);
      refuseLarger(description.backbone, state);
      const generator = new Generator(0);
      const backbone = createBackbone(description.backbone, generator);
      const detector = buildDetector(description, backbone, generator, compute);
      detector.loadStateDict(state);
      return { detector: detector.eval().setRequiresGrad(false), description };
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      const why = messageOf(error);
      throw new CheckpointError("unusable-weights", `Expected usable weights in ${path}, got: ${why}`, error);
    }
  });
}
