import { Generator, getNumThreads, setNumThreads } from "@salmask/torch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { Detector } from "../../src/detection/rcnn.js";
import { detectionSettings } from "../../src/detection/settings.js";
import { createBackbone } from "../../src/models/registry.js";
import { expectSameDetections, expectSameLosses, farGradients, loadGoldens } from "./compare.js";

// A sum in another order moves a value past a ReLU's corner now and then, and a gradient by more than rounding.
const shortSide = 96;
/** Of the encoder's first stage, of the pyramid, and of the box head. */
const narrow = [16, 32, 64] as const;
const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));

test.each([
  ["faster", "batch"],
  ["mask", "frozen"],
] as const)(
  "torchvision's %s R-CNN with a ResNet-50 and %s norms: detections, losses, gradients",
  (kind, norm) => {
    const [width, pyramidChannels, headWidth] = narrow;
    const goldens = Goldens.make(
      new URL("rcnn_golden.py", import.meta.url),
      kind,
      norm,
      ...narrow.map(String),
    );
    const generator = new Generator(1);
    using detector = new Detector({
      backbone: createBackbone({ arch: "resnet50", stem: "imagenet", width }, generator),
      classes: 4,
      settings: detectionSettings.parse({
        masks: kind === "mask",
        norm,
        pyramidChannels,
        headWidth,
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

    // Without widths of one's own it is as large as torchvision's.
    using usual = new Detector({
      backbone: createBackbone({ arch: "resnet50", stem: "imagenet", width: 64 }, generator),
      classes: 4,
      settings: detectionSettings.parse({ masks: kind === "mask" }),
      generator,
    });
    const shapes = Object.entries(usual.stateDict()).map(([name, { shape }]) => [name, shape]);
    const theirs = goldens.names("shape/").map((name) => [name, Array.from(goldens.array(`shape/${name}`))]);
    expect(Object.fromEntries(shapes)).toEqual(Object.fromEntries(theirs));
  },
);
