import { Generator, getNumThreads, setNumThreads } from "@salmask/torch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { Detector } from "../../src/detection/rcnn.js";
import { detectionSettings } from "../../src/detection/settings.js";
import { createBackbone } from "../../src/models/registry.js";
import { expectSameDetections, expectSameLosses, farGradients, loadGoldens } from "./compare.js";

// A sum in another order moves a value past a ReLU's corner now and then, and a gradient by more than rounding.
const shortSide = 96;
const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));

test.each([
  ["faster", "batch"],
  ["mask", "frozen"],
] as const)(
  "torchvision's %s R-CNN with a ResNet-50 and %s norms: detections, losses, gradients",
  (kind, norm) => {
    const goldens = Goldens.make(new URL("rcnn_golden.py", import.meta.url), kind, norm);
    const generator = new Generator(1);
    using detector = new Detector({
      backbone: createBackbone({ arch: "resnet50", stem: "imagenet", width: 64 }, generator),
      classes: 4,
      settings: detectionSettings.parse({
        masks: kind === "mask",
        norm,
        frozenParts: norm === "frozen" ? 2 : 0,
        shortSides: [shortSide],
        longSide: 192,
        rpn: { candidatesInTraining: 200, candidates: 100, proposalsInTraining: 100, proposals: 50 },
        box: { leastScore: 0.1, detections: 20 },
      }),
      generator,
    });
    loadGoldens(detector, goldens);
    expectSameDetections(detector, goldens);
    expectSameLosses(detector, goldens, shortSide);
    expect(farGradients(detector, goldens)).toEqual([]);
  },
);
