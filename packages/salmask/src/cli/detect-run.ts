/** What `detect train` and `detect eval` do, once their options are read. */
import { UsageError } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import { spread } from "../base/spread.js";
import { type Category, namesOf } from "../data/samples/objects.js";
import type { CocoScores } from "../metrics/average-precision/coco.js";
import type { DetectSummary } from "../runs/records.js";
import { weightsOf } from "../runs/run-weights.js";
import { type CocoDetection, cocoDetections } from "../tasks/detect/coco-results.js";
import { type DetectionScores, evaluateDetector } from "../tasks/detect/evaluate.js";
import { type ObjectsOnDisk, openObjects } from "../tasks/detect/open-objects.js";
import { type DetectPlan, planDetector } from "../tasks/detect/plan.js";
import { type TrainDetectorOptions, trainDetector } from "../tasks/detect/train.js";
import { loadDetector } from "../weights/detector-files.js";
import { drawDetections, pictureNames } from "./detect-pictures.js";

/** Trains a detector on a part of a set. */
export async function trainOnSet(
  options: ObjectsOnDisk & Omit<TrainDetectorOptions, "set">,
): Promise<DetectSummary> {
  const masks = options.config.detection.masks;
  const set = await openObjects(options, { uses: ["train"], masks });
  return trainDetector({ ...options, set, photos: options.folder });
}

/** Plans the training of a detector on a part of a set. */
export async function planOnSet(
  options: ObjectsOnDisk & Omit<TrainDetectorOptions, "set">,
): Promise<DetectPlan> {
  const masks = options.config.detection.masks;
  const set = await openObjects(options, { uses: ["train"], masks });
  return planDetector({ ...options, set });
}

export interface ScoreOnSet extends ObjectsOnDisk {
  /** A run's folder, or a file of a detector's weights. */
  readonly run: string;
  /** The file for COCO's results; undefined writes none. */
  readonly results: string | undefined;
  readonly pictures: { readonly folder: string | undefined; readonly count: number };
  /** Score from which an object is drawn. */
  readonly score: number;
}

/** Scores a detector on a part of a set. Throws {@link UsageError} `other-categories`. */
export async function scoreOnSet(
  options: ScoreOnSet,
): Promise<DetectionScores & { run: string; lines: string[] }> {
  const { run, results, pictures, score, signal, report } = options;
  const { detector, description } = loadDetector(weightsOf(run).path);
  try {
    const withMasks = description.settings.masks;
    const set = await openObjects(options, { uses: ["validation", "test", "train"], masks: withMasks });
    refuseOtherCategories(description.categories, set.categories);
    const found: CocoDetection[] = [];
    const pictured = pictureNames(set.photos.map(({ name }) => name));
    const drawn = new Set(spread(set.photos.length, pictures.count));
    const scores = await evaluateDetector(detector, set, {
      withMasks,
      signal,
      onProgress: ({ done, total }) => report({ kind: "progress", what: "looking for objects", done, total }),
      onPhoto: async (detected) => {
        const annotated = set.photos[detected.id];
        if (results !== undefined)
          found.push(...cocoDetections(annotated.id, detected.detections, set.categories));
        if (pictures.folder === undefined || !drawn.has(detected.id)) return;
        const drawing = { folder: pictures.folder, name: pictured[detected.id], score };
        await drawDetections(detected, { ...drawing, categories: set.categories }, annotated);
      },
    });
    if (results !== undefined) await writeFileAtomic(results, `${JSON.stringify(found)}\n`);
    return { run, ...scores, lines: scoreLines(scores, set.categories) };
  } finally {
    detector.dispose();
  }
}

/** A detector's categories are compared by name, in their order. */
function refuseOtherCategories(known: readonly Category[], asked: readonly Category[]): void {
  if (namesOf(known) === namesOf(asked)) return;
  throw new UsageError(
    "other-categories",
    `Expected photos with the detector's categories, ${namesOf(known)}, got ${namesOf(asked)}.`,
  );
}

const shown = (value: number | null) => (value === null ? "-" : (100 * value).toFixed(1));

function scoreLines(
  { photos, objects, boxes, masks, voc }: DetectionScores,
  categories: readonly Category[],
): string[] {
  const line = (what: string, { ap, ap50, ap75, apSmall, apMedium, apLarge, ar100 }: CocoScores) =>
    `${what.padEnd(6)}  ${[ap, ap50, ap75, apSmall, apMedium, apLarge, ar100].map((value) => shown(value).padStart(8)).join("")}`;
  const byCategory = categories.map(({ name }, i) => ({ name, ap: boxes.byCategory[i].ap }));
  return [
    `${photos} photos with ${objects} objects`,
    `${" ".repeat(6)}  ${["AP", "AP50", "AP75", "small", "medium", "large", "AR"].map((name) => name.padStart(8)).join("")}`,
    line("boxes", boxes.all),
    ...(masks === null ? [] : [line("masks", masks.all)]),
    `VOC's AP50 of boxes: ${shown(voc.all.elevenPoints.ap50)} in eleven points, ${shown(voc.all.area.ap50)} by area`,
    ...(categories.length > 1 && categories.length <= 20
      ? [`AP of boxes per category: ${byCategory.map(({ name, ap }) => `${name} ${shown(ap)}`).join(", ")}`]
      : []),
  ];
}
