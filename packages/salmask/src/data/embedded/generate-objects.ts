/**
 * The embedded set for detection: pictures of several objects that cover each other in part, with boxes and masks in COCO's
 * layout. The drawings' alpha is the truth, as in the set for classification.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { mapOrdered } from "../../base/concurrent.js";
import { encodeMask } from "../samples/rle.js";
import { concepts, drawingVersions } from "./drawings.js";
import {
  type DrawingOptions,
  generateFolder,
  namesIn,
  pictureCounter,
  writePng,
} from "./generated-folder.js";
import { loadKit } from "./kit.js";
import { drawObjects, type ObjectsPicture } from "./objects-picture.js";
import { checkedOptions, type EmbeddedOptions } from "./options.js";
import { type PictureKey, type Split, splits } from "./picture.js";

/** Raised when the same options give other pictures. */
const version = 1;

const usual: Required<EmbeddedOptions> = {
  seed: 0,
  train: 1000,
  test: 200,
  size: 128,
  classes: 10,
  difficulty: "medium",
};

/** What {@link generateObjects} made. */
export interface ObjectsSummary {
  /** Absolute path; `train` and `test` in it hold the pictures. */
  readonly folder: string;
  readonly options: Required<EmbeddedOptions>;
  readonly classes: readonly string[];
  /** False where the data set was there already. */
  readonly generated: boolean;
}

/** An object as COCO's `annotations` have it: the box is x, y, width and height, the mask uncompressed run lengths. */
interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: readonly number[];
  readonly area: number;
  readonly iscrowd: 0;
  readonly segmentation: { readonly size: readonly number[]; readonly counts: readonly number[] };
}

const annotationsName = (split: Split) => `instances_${split}.json`;

/**
 * Generates the set in `folder`, unless the same is there already: pictures in `train/<number>.png` and `test/<number>.png`,
 * `instances_train.json` and `instances_test.json` in COCO's format, and the stamp `embedded.json`. Pictures have 1 to 6 objects
 * from 16 pixels up, of which at least 0.4 is seen. Defaults: seed 0, 1,000 and 200 pictures of 128 pixels, 10 classes, `medium`.
 *
 * The same options give the same bytes, with the same versions of sharp and the icon sets. Throws as `generateEmbedded` does.
 */
export async function generateObjects(
  folder: string,
  given: EmbeddedOptions = {},
  drawing: DrawingOptions = {},
): Promise<ObjectsSummary> {
  const options = checkedOptions(given, usual);
  const classes = concepts.slice(0, options.classes);
  const renderer = { sharp: sharp.versions.sharp, librsvg: sharp.versions.rsvg };
  const made = { kind: "objects", version, options, drawings: await drawingVersions(), renderer };
  const target = resolve(folder);
  const generated = await generateFolder({
    folder: target,
    stamp: `${JSON.stringify(made)}\n`,
    isComplete: (at) => isComplete(at, options),
    build: (at) => build(at, options, drawing),
  });
  return { folder: target, options, classes, generated };
}

async function isComplete(folder: string, options: Required<EmbeddedOptions>): Promise<boolean> {
  const names = await namesIn(folder);
  for (const split of splits) {
    if (names?.includes(annotationsName(split)) !== true) return false;
    if ((await namesIn(join(folder, split)))?.length !== options[split]) return false;
  }
  return true;
}

async function build(
  folder: string,
  options: Required<EmbeddedOptions>,
  drawing: DrawingOptions,
): Promise<void> {
  const { seed, size } = options;
  const classes = concepts.slice(0, options.classes);
  const kit = await loadKit(options);
  const count = pictureCounter(options.train + options.test, drawing);
  for (const split of splits) {
    await mkdir(join(folder, split), { recursive: true });
    const keys = Array.from({ length: options[split] }, (_, index): PictureKey => ({ seed, split, index }));
    const images: object[] = [];
    const annotations: CocoAnnotation[] = [];
    const draw = async (key: PictureKey) => {
      const picture = drawObjects(kit, key);
      await writePng(join(folder, split, fileOf(key)), picture.rgb, size, 3);
      return { key, picture };
    };
    for await (const { key, picture } of mapOrdered(keys, 8, draw)) {
      images.push({ id: key.index + 1, file_name: fileOf(key), height: size, width: size });
      annotations.push(...annotationsOf(picture, key.index + 1, size, annotations.length + 1));
      count();
    }
    const categories = classes.map((name, label) => ({ id: label + 1, name, supercategory: "drawing" }));
    await writeFile(
      join(folder, annotationsName(split)),
      `${JSON.stringify({ images, annotations, categories })}\n`,
    );
  }
}

const fileOf = ({ index }: PictureKey) => `${String(index).padStart(5, "0")}.png`;

function annotationsOf(
  { objects }: ObjectsPicture,
  image: number,
  size: number,
  firstId: number,
): CocoAnnotation[] {
  return objects.map(({ label, mask, area, box }, i) => ({
    id: firstId + i,
    image_id: image,
    category_id: label + 1,
    bbox: [box.x, box.y, box.width, box.height],
    area,
    iscrowd: 0,
    segmentation: { size: [size, size], counts: Array.from(encodeMask(mask, size, size).counts) },
  }));
}
