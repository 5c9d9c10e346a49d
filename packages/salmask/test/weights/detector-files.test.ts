import { join } from "node:path";
import { Generator, saveSafetensors, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import type { Detector } from "../../src/detection/rcnn.js";
import { detectionSettings } from "../../src/detection/settings.js";
import { createBackbone } from "../../src/models/registry.js";
import type { DetectorDescription } from "../../src/weights/detector-description.js";
import { buildDetector, loadDetector, saveDetector } from "../../src/weights/detector-files.js";
import { temporaryFolder } from "../support/photos.js";

const backbone = { arch: "resnet18", stem: "small", width: 8 } as const;
const small = { anchorSizes: [8, 16, 24, 32, 48], pyramidChannels: 8, headWidth: 16 };
const categories = [
  { id: 1, name: "cat" },
  { id: 4, name: "dog" },
];

function describe(settings: object, highPass: DetectorDescription["highPass"] = null): DetectorDescription {
  return { backbone, settings: detectionSettings.parse({ ...small, ...settings }), categories, highPass };
}

const made = (description: DetectorDescription): Detector =>
  buildDetector(description, createBackbone(backbone, new Generator(1)), new Generator(2));

it.each([
  ["a pyramid", describe({})],
  ["a pyramid with masks and norms", describe({ masks: true, extraNorm: true }, { kernel: 5, sigma: 2 })],
  ["C4", describe({ design: "c4" }, { kernel: 11, sigma: 5 })],
  ["C4 with masks and a norm", describe({ design: "c4", masks: true, extraNorm: true })],
])("reads a detector with %s as it was written", async (_, description) => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using detector = made(description);
  saveDetector(path, detector, description);
  const read = loadDetector(path);
  expect(read.description).toEqual(description);
  scope(() => {
    const found = read.detector.stateDict();
    for (const [name, value] of Object.entries(detector.stateDict()))
      expect(found[name].toArray(), name).toEqual(value.toArray());
  });
  read.detector.dispose();
});

/** What a file says of itself beside what its weights are, and what of it is refused. */
const larger: readonly (readonly [string, object, string])[] = [
  ["a wide head", { headWidth: 4096 }, "roi_heads.box_head.fc6.weight of shape [4096, 392], got [16, 392]"],
  [
    "a wide pyramid",
    { pyramidChannels: 512 },
    "backbone.fpn.inner_blocks.0.0.weight of shape [512, 8, 1, 1]",
  ],
  ["more ratios", { aspectRatios: Array(300).fill(1) }, "rpn.head.cls_logits.weight of shape [300, 8, 1, 1]"],
  ["many anchors", { aspectRatios: Array(1001).fill(1) }, "at most 1000 anchors for each place, got 1001"],
  ["masks", { masks: true }, "roi_heads.mask_head.0.0.weight of shape [8, 8, 3, 3], got none"],
  ["another design", { design: "c4" }, "rpn.head.conv.0.0.weight of shape [32, 32, 3, 3], got [8, 8, 3, 3]"],
];

it.each(larger)("does not build a detector with %s that its file lacks", async (_, settings, message) => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using detector = made(describe({}));
  saveDetector(path, detector, describe(settings));
  expect(() => loadDetector(path)).toThrow(
    expect.objectContaining({ code: "unusable-weights", message: expect.stringContaining(message) }),
  );
});

it("does not build more categories or another filter than a file has, or a filter without a middle", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  const honest = describe({}, { kernel: 5, sigma: 2 });
  using detector = made(honest);
  const more = Array.from({ length: 500 }, (_, id) => ({ id, name: "" }));
  const wrong = [
    [{ categories: more }, "cls_score.weight of shape [501, 16], got [3, 16]"],
    [{ highPass: { kernel: 1023, sigma: 2 } }, "backbone.filter.weight of shape [3, 1, 1023, 1023]"],
    [{ highPass: { kernel: 100_001, sigma: 2 } }, "kernel"],
    [{ highPass: { kernel: 4, sigma: 2 } }, "kernel"],
    [{ highPass: { kernel: 5, sigma: 0 } }, "sigma"],
  ] as const;
  for (const [change, message] of wrong) {
    saveSafetensors(path, detector.stateDict(), { detector: JSON.stringify({ ...honest, ...change }) });
    expect(() => loadDetector(path)).toThrow(
      expect.objectContaining({ code: "unusable-weights", message: expect.stringContaining(message) }),
    );
  }
});

it("keeps nothing of a detector whose small weights do not fit", async () => {
  const path = join(await temporaryFolder(), "weights.safetensors");
  using detector = made(describe({}));
  const { "rpn.head.cls_logits.bias": _, ...state } = detector.stateDict();
  saveSafetensors(path, state, { detector: JSON.stringify(describe({})) });
  // The harness compares the number of live tensors with that from before the test.
  expect(() => loadDetector(path)).toThrow(/missing rpn\.head\.cls_logits\.bias/);
});
