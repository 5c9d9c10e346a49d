/** How well a detector finds the objects of a set: COCO's measure, and VOC's in both its forms. */
import type { AnnotatedPhotos, PhotoObject } from "../../data/samples/objects.js";
import { toMask } from "../../data/samples/segmentation.js";
import type { Detector } from "../../detection/rcnn.js";
import { CocoMetric, type CocoResult } from "../../metrics/average-precision/coco.js";
import type { Truth } from "../../metrics/average-precision/detection.js";
import { VocMetric, type VocResult } from "../../metrics/average-precision/voc.js";
import { type DetectedPhoto, type DetectOptions, detect } from "./detect.js";
import { checkSize } from "./photos.js";

/** How well a detector found the objects of a set. */
export interface DetectionScores {
  readonly photos: number;
  /** Objects to be found, crowds left out. */
  readonly objects: number;
  readonly boxes: CocoResult;
  /** null where the detector finds boxes alone, or an object has no mask. */
  readonly masks: CocoResult | null;
  /** Of boxes. */
  readonly voc: VocResult;
}

/** How {@link evaluateDetector} can be watched and stopped. A score without a photo's objects would be another one: each must be readable. */
export interface EvaluateOptions extends Pick<DetectOptions, "signal" | "onProgress"> {
  /** Called with each photo and what was found in it, in the set's order. */
  readonly onPhoto?: (detected: DetectedPhoto) => Promise<void> | void;
}

/**
 * Looks at every photo of a set and scores what is found. Throws DataError `other-size` and `unreadable-photo`,
 * InterruptedError.
 */
export async function evaluateDetector(
  detector: Detector,
  set: AnnotatedPhotos,
  { withMasks, onPhoto = () => {}, signal, onProgress }: EvaluateOptions & { readonly withMasks: boolean },
): Promise<DetectionScores> {
  const categories = set.categories.length;
  const hasMasks =
    withMasks &&
    set.photos.every(({ objects }) => objects.every(({ segmentation }) => segmentation !== null));
  const boxes = new CocoMetric({ categories, by: "boxes" });
  const masks = hasMasks ? new CocoMetric({ categories, by: "masks" }) : null;
  const voc = new VocMetric({ categories, by: "boxes" });
  const names = set.photos.map(({ name }) => name);
  for await (const detected of detect(detector, { path: set.path, names }, { signal, onProgress })) {
    const annotated = set.photos[detected.id];
    checkSize(detected.photo, annotated);
    const { height, width, objects } = annotated;
    const truths = objects.map((object) => truthOf(object, { height, width, hasMasks }));
    const scored = { truths, detections: detected.detections };
    boxes.add(scored);
    masks?.add(scored);
    voc.add(scored);
    await onPhoto(detected);
  }
  return {
    photos: set.photos.length,
    objects: set.photos.flatMap(({ objects }) => objects).filter(({ isCrowd }) => !isCrowd).length,
    boxes: boxes.result(),
    masks: masks?.result() ?? null,
    voc: voc.result(),
  };
}

function truthOf(
  { segmentation, ...object }: PhotoObject,
  { height, width, hasMasks }: { height: number; width: number; hasMasks: boolean },
): Truth {
  return {
    ...object,
    mask: hasMasks && segmentation !== null ? toMask(segmentation, height, width) : null,
  };
}
