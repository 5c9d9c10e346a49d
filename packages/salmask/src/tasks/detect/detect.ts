/** What a detector finds in photos, at their own sizes. */
import { scope, type Tensor } from "@salmask/torch";
import { DataError, InterruptedError, messageOf } from "../../base/errors.js";
import type { AnnotatedPhotos } from "../../data/samples/objects.js";
import { encodeMask } from "../../data/samples/rle.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import { PhotoLoader } from "../../data/store/photo-loader.js";
import { pasteMasks } from "../../detection/masks.js";
import type { Detector } from "../../detection/rcnn.js";
import type { FoundObjects } from "../../detection/roi-heads.js";
import type { RgbImage } from "../../image/decode.js";
import type { Detection } from "../../metrics/average-precision/detection.js";
import { pictureOf } from "./photos.js";

/** How {@link detect} can be watched and stopped. */
export interface DetectOptions {
  /** Aborting ends the work with {@link InterruptedError}. */
  readonly signal?: AbortSignal;
  /** Called after each photo. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
  /** Called with each photo that cannot be decoded, which is passed over; where it is not given, such a photo ends the work. */
  readonly onUnreadable?: (photo: SkippedImage) => void;
}

/** Photos to look at, by their places below a folder. */
export type PhotoNames = Pick<AnnotatedPhotos, "path"> & { readonly names: readonly string[] };

/** What was found in a photo, the surest first. */
export interface DetectedPhoto {
  /** The photo's number among the names. */
  readonly id: number;
  readonly photo: RgbImage;
  readonly detections: Detection[];
}

/** Chance from which a pixel belongs to an object. */
const inside = 0.5;
/** Masks that are pasted at a time: each is as large as the photo. */
const pastedAtOnce = 8;

/**
 * Looks at photos one at a time, in their order. Throws DataError `unreadable-photo` where `onUnreadable` is not given,
 * InterruptedError.
 */
export async function* detect(
  detector: Detector,
  { path, names }: PhotoNames,
  { signal, onProgress = () => {}, onUnreadable }: DetectOptions = {},
): AsyncGenerator<DetectedPhoto> {
  const loader = new PhotoLoader({ root: path, names, keptBytes: 0 });
  for (const id of names.keys()) {
    if (signal?.aborted === true) throw new InterruptedError("Stopped before all photos were looked at.");
    const loading = loader.photos(Int32Array.of(id));
    if (id + 1 < names.length) loader.prefetch(Int32Array.of(id + 1));
    const photo = await loading.then(
      ([decoded]) => decoded,
      (error: unknown) => {
        if (onUnreadable === undefined || !isUnreadable(error)) throw error;
        onUnreadable({ name: names[id], reason: messageOf(error.cause) });
        return null;
      },
    );
    const detected = photo === null ? null : { id, photo, detections: look(detector, photo) };
    onProgress({ done: id + 1, total: names.length });
    if (detected !== null) yield detected;
    // Signals and timers get their turn here.
    await new Promise(setImmediate);
  }
}

const isUnreadable = (error: unknown): error is DataError =>
  error instanceof DataError && error.code === "unreadable-photo";

function look(detector: Detector, photo: RgbImage): Detection[] {
  return scope(() => {
    const [found] = detector.forward([pictureOf(photo)]);
    return detectionsIn(found, photo);
  });
}

function detectionsIn({ boxes, scores, labels, masks }: FoundObjects, photo: RgbImage): Detection[] {
  const sides = boxes.toFloat32Array(); // [D, 4]
  const [surety, kinds] = [scores.toFloat32Array(), labels.toArray()];
  const rles = masks === null ? null : masksIn(masks, boxes, photo);
  return Array.from(surety, (score, i) => ({
    category: kinds[i] - 1,
    box: [sides[4 * i], sides[4 * i + 1], sides[4 * i + 2], sides[4 * i + 3]],
    score,
    mask: rles === null ? null : rles[i],
  }));
}

/** Chances `[D, side, side]` within boxes `[D, 4]` as masks of the whole photo. */
function masksIn(masks: Tensor, boxes: Tensor, { height, width }: RgbImage) {
  const [count] = masks.shape;
  const area = height * width;
  const isInside = new Uint8Array(area); // [H, W]
  const starts = Array.from({ length: Math.ceil(count / pastedAtOnce) }, (_, i) => i * pastedAtOnce);
  return starts.flatMap((start) => {
    const some = Math.min(pastedAtOnce, count - start);
    const chances = scope(() =>
      pasteMasks(masks.narrow(0, start, some), boxes.narrow(0, start, some), {
        height,
        width,
      }).toFloat32Array(),
    ); // [some, H, W]
    return Array.from({ length: some }, (_, i) => {
      const ofObject = chances.subarray(i * area, (i + 1) * area); // [H, W]
      // A loop: `Uint8Array.from` with a function took more time than the detector.
      for (let pixel = 0; pixel < area; pixel++) isInside[pixel] = ofObject[pixel] >= inside ? 1 : 0;
      return encodeMask(isInside, height, width);
    });
  });
}
