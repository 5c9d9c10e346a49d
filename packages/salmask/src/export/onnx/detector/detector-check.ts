/** A detector's graph beside the detector itself. */
import { fromTypedArray, Generator, scope } from "@salmask/torch";
import type { Detector } from "../../../detection/rcnn.js";
import { createBackbone } from "../../../models/registry.js";
import { buildDetector } from "../../../weights/detector-files.js";
import type { ExportedDetector } from "../../detector.js";
import type { PixelType } from "../../targets.js";
import {
  type Checked,
  checkOnnx,
  differs,
  type Found,
  type Pictures,
  randomPictures,
  tolerance,
} from "../check.js";
import { detectorGraph, detectorInput } from "./detector-graph.js";

/**
 * Largest share of detections that may have no partner: where two boxes are as good as equal, rounding decides which of them is kept.
 */
const mostAlone = 0.02;

/** A detection as plain numbers. */
interface Plain {
  readonly label: number;
  readonly score: number;
  readonly box: readonly number[];
  readonly mask: readonly number[];
}

/** The same detector, which keeps boxes whatever their score is, so that there is something to compare. */
function unsureOf({ detector, description }: ExportedDetector): Detector {
  const generator = new Generator(0);
  const { settings } = description;
  const unsure = { ...settings, box: { ...settings.box, leastScore: 0 } };
  const backbone = createBackbone(description.backbone, generator);
  const same = buildDetector({ ...description, settings: unsure }, backbone, generator);
  same.loadStateDict(detector.stateDict());
  return same.eval().setRequiresGrad(false);
}

function ours(detector: Detector, { shape, pixels }: Pictures): Plain[] {
  return scope(() => {
    const photo = fromTypedArray(pixels, shape.slice(1)).to({ dtype: "float32" }).div_(255); // [3, H, W]
    const [{ boxes, scores, labels, masks }] = detector.forward([photo]);
    return plain(boxes.toArray(), labels.toArray(), scores.toArray(), masks === null ? [] : masks.toArray());
  });
}

function theirs({ boxes, labels, scores, masks }: Found): Plain[] {
  const numbers = (value: Found[string] | undefined) =>
    value === undefined ? [] : Array.from<unknown, number>(value.data, Number);
  return plain(numbers(boxes), numbers(labels), numbers(scores), numbers(masks));
}

function plain(boxes: number[], labels: number[], scores: number[], masks: number[]): Plain[] {
  const area = masks.length / Math.max(1, labels.length);
  return labels.map((label, i) => ({
    label,
    score: scores[i],
    box: boxes.slice(4 * i, 4 * i + 4),
    mask: masks.slice(area * i, area * (i + 1)),
  }));
}

/** Largest difference of score, sides over `side`, and mask. */
function distance(a: Plain, b: Plain, side: number): number {
  if (a.label !== b.label || a.mask.length !== b.mask.length) return Number.POSITIVE_INFINITY;
  const apart = (one: readonly number[], other: readonly number[], unit: number) =>
    one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]) / unit), 0);
  return Math.max(Math.abs(a.score - b.score), apart(a.box, b.box, side), apart(a.mask, b.mask, 1));
}

function compare(expected: readonly Plain[], found: readonly Plain[], { shape }: Pictures): number {
  const side = Math.max(shape[2], shape[3]);
  const nearest = (one: Plain, others: readonly Plain[]) =>
    others.reduce((least, other) => Math.min(least, distance(one, other, side)), Number.POSITIVE_INFINITY);
  const distances = [
    ...expected.map((one) => nearest(one, found)),
    ...found.map((one) => nearest(one, expected)),
  ];
  const near = distances.filter((apart) => apart <= tolerance);
  const alone = distances.length - near.length;
  if (alone <= mostAlone * distances.length) return Math.max(0, ...near);
  throw differs(
    `Expected ONNX Runtime's detections in a photo [${shape.join(", ")}] within ${tolerance} of Salmask's, ` +
      `got ${alone} of ${distances.length} without a partner.`,
  );
}

/** Two photos of other shapes, with all boxes; and the file itself on one of them. */
export async function checkDetector(
  runtime: typeof import("onnxruntime-node"),
  exported: ExportedDetector,
  file: Uint8Array,
  pixels: PixelType,
): Promise<Checked> {
  const photos = [randomPictures(1, 96, 128), randomPictures(1, 160, 120)];
  using unsure = unsureOf(exported);
  const check = (checked: Uint8Array, detector: Detector, batches: readonly Pictures[]) =>
    checkOnnx(runtime, {
      file: checked,
      input: detectorInput,
      pixels,
      batches,
      compare: (photo, found) => compare(ours(detector, photo), theirs(found), photo),
    });
  const all = await check(detectorGraph(exported, pixels, 0), unsure, photos);
  const itself = await check(file, exported.detector, photos.slice(0, 1));
  return { pictures: all.pictures, difference: Math.max(all.difference, itself.difference) };
}
