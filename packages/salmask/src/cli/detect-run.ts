/** What the commands of `detect` do, once their options are read. */
import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, parse } from "node:path";
import { UsageError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import { writeFileAtomic } from "../base/files.js";
import { spread } from "../base/spread.js";
import { type AnnotatedPhoto, type Category, namesOf } from "../data/samples/objects.js";
import { toMask } from "../data/samples/segmentation.js";
import { openFolder } from "../data/sources/folder.js";
import type { CocoScores } from "../metrics/average-precision/coco.js";
import type { Detection } from "../metrics/average-precision/detection.js";
import { type DrawnObject, pictureOfDetections } from "../report/detections-picture.js";
import type { DetectSummary } from "../runs/records.js";
import { weightsOf } from "../runs/run-weights.js";
import { type CocoDetection, cocoDetections } from "../tasks/detect/coco-results.js";
import { type DetectedPhoto, detect } from "../tasks/detect/detect.js";
import { type DetectionScores, evaluateDetector } from "../tasks/detect/evaluate.js";
import { type ObjectsOnDisk, openObjects } from "../tasks/detect/open-objects.js";
import { type DetectPlan, planDetector } from "../tasks/detect/plan.js";
import { type TrainDetectorOptions, trainDetector } from "../tasks/detect/train.js";
import { loadDetector } from "../weights/detector-files.js";

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
    const drawn = new Set(spread(set.photos.length, pictures.count));
    const scores = await evaluateDetector(detector, set, {
      withMasks,
      signal,
      onProgress: ({ done, total }) => report({ kind: "progress", what: "looking for objects", done, total }),
      onPhoto: async (detected) => {
        const annotated = set.photos[detected.id];
        if (results !== undefined)
          found.push(...cocoDetections(annotated.id, detected.detections, set.categories));
        if (pictures.folder !== undefined && drawn.has(detected.id))
          await draw(
            detected,
            { folder: pictures.folder, name: annotated.name, score, categories: set.categories },
            annotated,
          );
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

interface Drawing {
  readonly folder: string;
  /** Of the photo, in its set. */
  readonly name: string;
  readonly score: number;
  readonly categories: readonly Category[];
}

/** Writes the photo's picture; with its annotations, the truth stands beside what was found. */
async function draw(
  { photo, detections }: DetectedPhoto,
  { folder, name, score, categories }: Drawing,
  annotated: AnnotatedPhoto | null,
): Promise<void> {
  const found = detections.filter((detection) => detection.score >= score);
  const drawnFound = found.map(
    (detection): DrawnObject => ({ ...detection, name: categories[detection.category].name }),
  );
  const truth = annotated?.objects.map(
    ({ segmentation, ...object }): DrawnObject => ({
      ...object,
      name: categories[object.category].name,
      score: null,
      mask: segmentation === null ? null : toMask(segmentation, annotated.height, annotated.width),
    }),
  );
  const picture = await pictureOfDetections(photo, drawnFound, truth ?? null);
  await writeFileAtomic(join(folder, `${pictureName(name)}.png`), picture);
}

/** Of a photo, by its path in its set. */
function pictureName(photo: string): string {
  const { dir, name } = parse(photo);
  return [...(dir === "" ? [] : dir.split("/")), name].join("-");
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

export interface PredictPhotos {
  readonly run: string;
  /** A folder of photos. */
  readonly photos: string;
  /** Takes `pictures/` and `detections.json`; new or empty. */
  readonly out: string;
  /** Score from which an object is kept. */
  readonly score: number;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

export interface Predicted {
  photos: number;
  objects: number;
  /** Folder of the pictures. */
  pictures: string;
  /** COCO's JSON. */
  results: string;
}

/** Finds objects in a folder of photos. Throws {@link UsageError} `folder-taken`, DataError `unreadable-photo`. */
export async function predictPhotos({
  run,
  photos,
  out,
  score,
  signal,
  report,
}: PredictPhotos): Promise<Predicted> {
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new UsageError(
      "folder-taken",
      `Expected a new or empty folder for --out, got ${out}, which holds files.`,
    );
  }
  const { detector, description } = loadDetector(weightsOf(run).path);
  try {
    const source = await openFolder(photos);
    const names: string[] = [];
    for await (const image of source.images(signal)) {
      names.push(image.name);
      image.release();
    }
    const { categories } = description;
    const pictures = join(out, "pictures");
    await mkdir(pictures, { recursive: true });
    const all: CocoDetection[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      report({ kind: "progress", what: "looking for objects", done, total });
    for await (const detected of detect(detector, { path: source.path, names }, { signal, onProgress })) {
      const name = names[detected.id];
      const kept: Detection[] = detected.detections.filter((detection) => detection.score >= score);
      all.push(...cocoDetections(name, kept, categories));
      await draw({ ...detected, detections: kept }, { folder: pictures, name, score, categories }, null);
    }
    const results = join(out, "detections.json");
    await writeFileAtomic(results, `${JSON.stringify(all)}\n`);
    return { photos: names.length, objects: all.length, pictures, results };
  } finally {
    detector.dispose();
  }
}
