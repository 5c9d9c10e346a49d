/** What `detect predict` does, once its options are read. */
import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InterruptedError, UsageError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import { writeFileAtomic } from "../base/files.js";
import { openFolder } from "../data/sources/folder.js";
import type { SkippedImage } from "../data/sources/image-source.js";
import { warnOfLeftOut } from "../data/sources/left-out.js";
import { weightsOf } from "../runs/run-weights.js";
import { type CocoDetection, cocoDetections } from "../tasks/detect/coco-results.js";
import { detect } from "../tasks/detect/detect.js";
import { loadDetector } from "../weights/detector-files.js";
import { drawDetections, pictureNames } from "./detect-pictures.js";

/** What {@link predictPhotos} looks at, and how. */
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

/** What {@link predictPhotos} found, and where it is written. */
export interface Predicted {
  /** Photos that were looked at. */
  photos: number;
  objects: number;
  /** Folder of the pictures. */
  pictures: string;
  /** COCO's JSON. */
  results: string;
  /** Files that were left out: pictures that cannot be decoded, links, folders that cannot be read. */
  skipped: SkippedImage[];
}

/**
 * Finds objects in a folder of photos. Photos that cannot be decoded are left out and named. Throws {@link UsageError} `folder-taken`;
 * {@link InterruptedError}, after what was found until then is written.
 */
export async function predictPhotos({ report, ...asked }: PredictPhotos): Promise<Predicted> {
  const { run, photos, out, score, signal } = asked;
  refuseTaken(out);
  const { detector, description } = loadDetector(weightsOf(run).path);
  try {
    const source = await openFolder(photos);
    const skipped = [...source.summary().skipped];
    const { names, path } = source;
    const { categories } = description;
    const pictures = join(out, "pictures");
    const results = join(out, "detections.json");
    const pictured = pictureNames(names);
    const found: CocoDetection[] = [];
    let looked = 0;
    const finish = async (): Promise<Predicted> => {
      warnOfLeftOut(skipped, report);
      await mkdir(pictures, { recursive: true });
      await writeFileAtomic(results, `${JSON.stringify(found)}\n`);
      return { photos: looked, objects: found.length, pictures, results, skipped };
    };
    const options = {
      signal,
      onProgress: ({ done, total }: { done: number; total: number }) =>
        report({ kind: "progress", what: "looking for objects", done, total }),
      onUnreadable: (photo: SkippedImage) => {
        skipped.push(photo);
      },
    };
    try {
      for await (const detected of detect(detector, { path, names }, options)) {
        const detections = detected.detections.filter((detection) => detection.score >= score);
        const drawing = { folder: pictures, name: pictured[detected.id], score, categories };
        await drawDetections({ ...detected, detections }, drawing, null);
        found.push(...cocoDetections(names[detected.id], detections, categories));
        looked++;
      }
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error;
      if (looked === 0)
        throw new InterruptedError("Stopped before any photo was looked at. Nothing is written.");
      await finish();
      throw new InterruptedError(
        `Stopped after ${looked} of ${names.length} photos. Written: their pictures in ${pictures}, their ${found.length} objects in ${results}. ` +
          `To look at all photos, name a new folder: salmask detect predict ${run} ${photos} --out NAME`,
      );
    }
    return await finish();
  } finally {
    detector.dispose();
  }
}

function refuseTaken(out: string): void {
  if (!existsSync(out) || readdirSync(out).length === 0) return;
  throw new UsageError(
    "folder-taken",
    `Expected a new or empty folder for --out, got ${out}, which holds files. Name another: --out NAME`,
  );
}
