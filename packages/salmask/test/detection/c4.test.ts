import { Generator, getNumThreads, setNumThreads } from "@salmask/torch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Goldens } from "../../../torch/test/support/goldens.js";
import { Detector } from "../../src/detection/rcnn.js";
import { detectionSettings } from "../../src/detection/settings.js";
import { createBackbone } from "../../src/models/registry.js";
import { expectSameDetections, expectSameLosses, farGradients, loadGoldens } from "./compare.js";

const shortSide = 96;
const width = 16;
const threads = getNumThreads();
beforeAll(() => setNumThreads(1));
afterAll(() => setNumThreads(threads));

test.each([
  ["resnet18", "norm"],
  ["resnet18", "mask"],
  ["resnet50", "plain"],
] as const)("R-C4 of a %s is torchvision's parts put together: %s", (arch, kind) => {
  const script = new URL("c4_golden.py", import.meta.url);
  const goldens = Goldens.make(script, arch.replace("resnet", ""), String(width), kind);
  const generator = new Generator(1);
  const masks = kind === "mask";
  using detector = new Detector({
    backbone: createBackbone({ arch, stem: "imagenet", width }, generator),
    classes: 4,
    settings: detectionSettings.parse({
      design: "c4",
      masks,
      norm: "frozen",
      extraNorm: kind === "norm",
      shortSides: [shortSide],
      longSide: 192,
      anchorSizes: [16, 32, 64, 128],
      rpn: { candidatesInTraining: 200, candidates: 100, proposalsInTraining: 40, proposals: 20 },
      box: { leastScore: 0.1, detections: 20, samplingRatio: 0, aligned: true },
    }),
    generator,
  });
  loadGoldens(detector, goldens);
  expectSameDetections(detector, goldens);
  expectSameLosses(detector, goldens, shortSide);
  expect(farGradients(detector, goldens)).toEqual([]);
});
