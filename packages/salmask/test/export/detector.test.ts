import { join } from "node:path";
import { Generator, loadSafetensors, noGrad, rand, scope } from "@salmask/torch";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runPython } from "../../../torch/test/support/run-python.js";
import type { Detector } from "../../src/detection/rcnn.js";
import { detectionSettings } from "../../src/detection/settings.js";
import { exportRun } from "../../src/export/export-run.js";
import type { BackboneSpec } from "../../src/models/backbone.js";
import { createBackbone } from "../../src/models/registry.js";
import { pictureOf } from "../../src/tasks/detect/photos.js";
import type { DetectorDescription } from "../../src/weights/detector-description.js";
import { buildDetector, saveDetector } from "../../src/weights/detector-files.js";
import { temporaryFolder } from "../support/photos.js";
import { example, hasPackage, noisePhotos, printed } from "./made.js";

const small: BackboneSpec = { arch: "resnet18", stem: "imagenet", width: 8 };
const few = {
  pyramidChannels: 16,
  headWidth: 32,
  shortSides: [96],
  longSide: 160,
  rpn: { candidates: 60, proposals: 40 },
  box: { leastScore: 0.2, detections: 20 },
};

function descriptionOf(
  backbone: BackboneSpec,
  settings: z.input<typeof detectionSettings>,
  highPass: DetectorDescription["highPass"] = null,
): DetectorDescription {
  const categories = ["cup", "ball", "pen"].map((name, id) => ({ id, name }));
  return { backbone, settings: detectionSettings.parse({ ...few, ...settings }), categories, highPass };
}

/** Writes a detector whose boxes, classes and norms are not all alike. */
function saved(path: string, description: DetectorDescription): Detector {
  const generator = new Generator(5);
  const backbone = createBackbone(description.backbone, generator);
  const detector = noGrad(() => buildDetector(description, backbone, generator)).eval();
  noGrad(() =>
    scope(() => {
      for (const [name, tensor] of Object.entries(detector.stateDict())) {
        // The last norm of a block: without it, numbers grow from block to block, and rounding with them.
        if (/layer\d[.]\d+[.]bn[23][.]weight$|layer_scale$/.test(name)) tensor.fill_(0.3);
        else if (/(cls_score|bbox_pred|cls_logits)[.]weight$/.test(name)) tensor.mul_(2);
        else if (tensor.ndim === 1) tensor.add_(rand(tensor.shape, { generator }).sub_(0.5).mul_(0.4));
      }
    }),
  );
  saveDetector(path, detector, description);
  return detector;
}

describe.skipIf(!hasPackage("onnxruntime-node"))("a detector's ONNX graph", () => {
  it.each([
    ["a pyramid", descriptionOf(small, {})],
    [
      "a pyramid with masks, norms and a filter",
      descriptionOf(small, { masks: true, extraNorm: true }, { kernel: 11, sigma: 5 }),
    ],
    [
      "C4 with masks, aligned regions and a norm",
      descriptionOf(
        { arch: "resnet50", stem: "imagenet", width: 8 },
        {
          design: "c4",
          masks: true,
          extraNorm: true,
          anchorSizes: [16, 32, 64],
          box: { ...few.box, aligned: true, samplingRatio: 0 },
        },
      ),
    ],
    ["a ConvNeXt", descriptionOf({ arch: "convnext_tiny", stem: "imagenet", width: 8 }, {})],
  ] as const)("finds what the detector finds: %s", async (_, description) => {
    const at = await temporaryFolder();
    const run = join(at, "weights.safetensors");
    saved(run, description).dispose();
    const { checked } = await exportRun({ run, to: "onnx", pixels: "uint8" });
    expect(checked?.difference).toBeLessThan(1e-4);
  });
});

it("refuses what a format cannot hold", async () => {
  const at = await temporaryFolder();
  const run = join(at, "weights.safetensors");
  saved(
    run,
    descriptionOf({ arch: "vit_tiny", stem: "small", width: 8 }, { anchorSizes: [16, 32] }),
  ).dispose();
  await expect(exportRun({ run, to: "onnx" })).rejects.toMatchObject({ code: "not-onnx" });
  await expect(exportRun({ run, to: "torchvision" })).rejects.toMatchObject({ code: "not-torchvision" });
  await expect(exportRun({ run, to: "onnx", side: 64 })).rejects.toMatchObject({ code: "bad-side" });
  const { files } = await exportRun({ run, to: "safetensors" });
  expect(files).toContain(join(at, "export", "model.safetensors"));
  scope(() =>
    expect(Object.keys(loadSafetensors(join(at, "export", "model.safetensors")))).toContain(
      "roi_heads.box_predictor.cls_score.weight",
    ),
  );
});

/** What the detector finds in a picture of 100 pixels. */
async function foundIn(detector: Detector, photo: string) {
  const pixels = await sharp(photo).raw().toBuffer();
  return scope(() => {
    const picture = pictureOf({ data: new Uint8Array(pixels), width: 100, height: 100 });
    const [{ boxes, labels, scores }] = detector.forward([picture]);
    return { sides: boxes.toArray(), labels: labels.toArray(), scores: scores.toArray() };
  });
}

function expectNear(found: readonly number[], expected: readonly number[], digits: number): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, digits);
}

it("weights load into torchvision's MaskRCNN by the example", async () => {
  const at = await temporaryFolder();
  const run = join(at, "weights.safetensors");
  using detector = saved(
    run,
    descriptionOf(
      { arch: "resnet18", stem: "imagenet", width: 64 },
      { masks: true, pyramidChannels: 256, headWidth: 1024 },
    ),
  );
  const photos = await noisePhotos(at, 1, 100);
  const { folder } = await exportRun({ run, to: "torchvision" });
  const printedOnes = z
    .array(
      z.object({
        boxes: z.array(z.array(z.number())),
        labels: z.array(z.int()),
        scores: z.array(z.number()),
      }),
    )
    .parse(
      JSON.parse(runPython({ script: example("torchvision_detections.py"), args: [folder, ...photos] })),
    );
  const { sides, labels, scores } = await foundIn(detector, photos[0]);
  expect(labels.length).toBeGreaterThan(0);
  expect(printedOnes[0].labels).toEqual(labels);
  expectNear(printedOnes[0].scores, scores, 4);
  expectNear(printedOnes[0].boxes.flat(), sides, 2);
});

it.skipIf(!hasPackage("onnxruntime-node"))("a graph runs in onnxruntime-node by the example", async () => {
  const at = await temporaryFolder();
  const run = join(at, "weights.safetensors");
  using detector = saved(run, descriptionOf(small, {}));
  const photos = await noisePhotos(at, 1, 100);
  const { folder } = await exportRun({ run, to: "onnx" });
  const [objects] = z
    .array(z.array(z.object({ name: z.string(), score: z.number(), box: z.array(z.number()) })))
    .parse(printed(process.execPath, [example("onnxruntime-detections.mjs"), folder, ...photos]));
  const { sides, labels, scores } = await foundIn(detector, photos[0]);
  expect(labels.length).toBeGreaterThan(0);
  expect(objects.map(({ name }) => name)).toEqual(labels.map((label) => ["cup", "ball", "pen"][label - 1]));
  expectNear(
    objects.map(({ score }) => score),
    scores,
    4,
  );
  expectNear(
    objects.flatMap(({ box }) => box),
    sides,
    2,
  );
});
