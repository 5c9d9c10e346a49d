import { full, Generator, ops, optim, rand, scope, type Tensor } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { keyedDecisions } from "../../src/detection/decisions.js";
import { type DetectionLosses, Detector } from "../../src/detection/rcnn.js";
import { detectionSettings } from "../../src/detection/settings.js";
import type { Truth } from "../../src/detection/targets.js";
import { createBackbone } from "../../src/models/registry.js";

type Given = Parameters<typeof detectionSettings.parse>[0] & object;

const key = { seed: 1, epoch: 0, ids: Int32Array.of(5, 9) };

function settingsOf(given: Given) {
  const small = { pyramidChannels: 16, headWidth: 32, shortSides: [64], longSide: 96, masks: true };
  return detectionSettings.parse({ ...small, rpn: { samples: 32 }, box: { samples: 16 }, ...given });
}

function detectorOf(given: Given, stem: "imagenet" | "small" = "imagenet") {
  const generator = new Generator(3);
  const backbone = createBackbone({ arch: "resnet18", stem, width: 8 }, generator);
  return new Detector({ backbone, classes: 2, settings: settingsOf(given), generator });
}

const photosOf = () => {
  const generator = new Generator(8);
  return [rand([3, 60, 80], { generator }), rand([3, 64, 50], { generator })];
};

const nothing: Truth = { boxes: new Float32Array(), labels: new Int32Array(), masks: new Uint8Array() };

/** A bright square in each photo, and where it is. */
function squares(): { photos: Tensor[]; truths: Truth[] } {
  const photos = photosOf();
  const truths = photos.map((photo, i): Truth => {
    const [, height, width] = photo.shape;
    const [left, top] = [10 + 8 * i, 14];
    photo.narrow(1, top, 30).narrow(2, left, 30).fill_(1);
    const inside = (at: number, from: number) => at >= from && at < from + 30;
    return {
      boxes: Float32Array.of(left, top, left + 30, top + 30),
      labels: Int32Array.of(1 + i),
      masks: Uint8Array.from({ length: height * width }, (_, at) =>
        Number(inside(Math.floor(at / width), top) && inside(at % width, left)),
      ),
    };
  });
  return { photos, truths };
}

const allOf = ({ classifier, boxRegression, mask, objectness, rpnBoxRegression }: DetectionLosses) =>
  [classifier, boxRegression, mask, objectness, rpnBoxRegression].filter((loss) => loss !== null);

const sum = (losses: DetectionLosses) => ops.stack(allOf(losses)).sum();

const designs: [string, Given, "imagenet" | "small"][] = [
  ["a pyramid", {}, "imagenet"],
  ["a pyramid with norms", { extraNorm: true }, "imagenet"],
  ["C4", { design: "c4" }, "imagenet"],
  ["C4 with a norm", { design: "c4", extraNorm: true }, "imagenet"],
  ["a pyramid on the small stem", { anchorSizes: [4, 8, 16, 32, 64] }, "small"],
  ["C4 on the small stem", { design: "c4" }, "small"],
];

describe.each(designs)("%s", (_, given, stem) => {
  test("learns from photos without objects, whose boxes and masks lose nothing", () => {
    using detector = detectorOf(given, stem);
    scope(() => {
      const losses = detector.losses(photosOf(), [nothing, nothing], keyedDecisions(settingsOf(given), key));
      expect(losses.boxRegression.item()).toBe(0);
      expect(losses.rpnBoxRegression.item()).toBe(0);
      expect(losses.mask?.item()).toBe(0);
      expect(losses.objectness.item()).toBeGreaterThan(0);
      expect(losses.classifier.item()).toBeGreaterThan(0);
      sum(losses).backward();
      for (const [name, { grad }] of detector.namedParameters()) {
        expect(grad, name).not.toBeNull();
        expect(grad?.isfinite().all().item(), name).toBe(1);
      }
    });
  });

  test("learns nothing, and no NaN, where nothing is sampled", () => {
    using detector = detectorOf(given, stem);
    const none = () => ({ positives: new Int32Array(), negatives: new Int32Array() });
    scope(() => {
      const { photos, truths } = squares();
      const losses = detector.losses(photos, truths, { shortSide: () => 64, anchors: none, proposals: none });
      expect(allOf(losses).map((loss) => loss.item())).toEqual([0, 0, 0, 0, 0]);
      sum(losses).backward();
      for (const [name, { grad }] of detector.roiHeads.namedParameters())
        expect(grad?.abs().sum().item(), name).toBe(0);
    });
  });

  test("loses less after a few steps on its photos", () => {
    using detector = detectorOf(given, stem);
    const optimizer = new optim.AdamW(detector.namedParameters(), { lr: 2e-3, weightDecay: 0 });
    const decisions = keyedDecisions(settingsOf(given), key);
    scope(() => {
      const { photos, truths } = squares();
      // After 8 steps rounding decides: with weights that differ by 1e-6, the loss was 0.73 to 0.84 of the first.
      const values = Array.from({ length: 12 }, () =>
        scope(() => {
          detector.zeroGrad();
          const loss = sum(detector.losses(photos, truths, decisions));
          loss.backward();
          optimizer.step();
          return loss.item();
        }),
      );
      optimizer.dispose();
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values[11]).toBeLessThan(0.8 * values[0]);
    });
  });
});

test("one key gives one loss, bit for bit", () => {
  const losses = () => {
    using detector = detectorOf({});
    return scope(() => {
      const { photos, truths } = squares();
      return sum(detector.losses(photos, truths, keyedDecisions(settingsOf({}), key))).item();
    });
  };
  expect(losses()).toBe(losses());
});

test.each([{}, { design: "c4" }])("a detector that is sure of nothing finds nothing: %j", (given) => {
  using detector = detectorOf({ ...given, box: { leastScore: 1 } });
  scope(() => {
    for (const { boxes, scores, labels, masks } of detector.forward(photosOf())) {
      expect([boxes.shape, scores.shape, labels.shape, masks?.shape[0]]).toEqual([[0, 4], [0], [0], 0]);
    }
  });
});

test("frozen parts keep their weights, frozen norms their statistics, and all else learns", () => {
  using detector = detectorOf({ norm: "frozen", frozenParts: 2 });
  const learned = Array.from(detector.namedParameters())
    .filter(([, { requiresGrad }]) => requiresGrad)
    .map(([name]) => name);
  const ofBody = learned.filter((name) => name.startsWith("backbone.body."));
  expect(ofBody.every((name) => /^backbone\.body\.layer[234]\./.test(name))).toBe(true);
  expect(ofBody.some((name) => /\.bn\d\./.test(name))).toBe(false);
  expect(ofBody).toContain("backbone.body.layer2.0.conv1.weight");
  expect(learned).toContain("rpn.head.cls_logits.weight");
});

test("a high-pass encoder's filter is a part of the detector's state", () => {
  const generator = new Generator(3);
  const backbone = createBackbone({ arch: "resnet18", stem: "imagenet", width: 8 }, generator);
  using detector = new Detector({
    backbone,
    classes: 2,
    settings: settingsOf({}),
    generator,
    highPass: { kernel: 11, sigma: 5 },
  });
  expect(Object.keys(detector.stateDict())).toContain("backbone.filter.weight");
  scope(() => {
    // A photo of one colour has no high frequencies, whatever the colour.
    const found = [0.2, 0.9].map((value) => {
      const features = detector.eval().backbone.forward(full([1, 3, 64, 64], value)); // of [1, 16, H, W]
      return features.at(-1)?.toFloat32Array() ?? new Float32Array();
    });
    for (const [i, value] of found[0].entries()) expect(value).toBeCloseTo(found[1][i], 4);
  });
});

test("anchors that do not fit the pyramid are refused", () => {
  const generator = new Generator(3);
  using backbone = createBackbone({ arch: "resnet18", stem: "imagenet", width: 8 }, generator);
  const make = () =>
    new Detector({ backbone, classes: 2, settings: settingsOf({ anchorSizes: [32, 64] }), generator });
  expect(make).toThrow(UsageError);
  expect(make).toThrow("Expected a size of anchors for each of the pyramid's 5 levels");
});
