/**
 * The embedded data set: a substitute for photos that needs no download. Emoji drawings from three icon sets on
 * generated scenes. The alpha of a drawing is its true foreground, so the set also has masks and boxes.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { mapOrdered } from "../../base/concurrent.js";
import { concepts, drawingVersions, type Hand } from "./drawings.js";
import {
  type DrawingOptions,
  generateFolder,
  namesIn,
  pictureCounter,
  writePng,
} from "./generated-folder.js";
import { loadKit } from "./kit.js";
import { checkedOptions, type EmbeddedOptions } from "./options.js";
import { drawPicture, type Picture, type PictureKey, type Split, splits } from "./picture.js";
import type { Texture } from "./scene.js";

/** The entry of a picture in `annotations.json`. */
export interface EmbeddedAnnotation {
  /** Such as `train-00042`; names the picture and its mask. */
  readonly id: string;
  readonly split: Split;
  /** Path of the picture relative to the data set, with `/`. */
  readonly file: string;
  /** Path of the mask. */
  readonly mask: string;
  /** Number of the class in `classes`. */
  readonly label: number;
  /** x, y, width and height of the mask's bounding box, in pixels. */
  readonly box: readonly [number, number, number, number];
  /** Share of the picture's pixels that the object covers. */
  readonly share: number;
  /** The icon set of the drawing. */
  readonly hand: Hand;
  /** The pattern of the background. */
  readonly texture: Texture;
  /** Only if scenes depend on classes: number of the class whose scene is in the background. */
  readonly style?: number;
}

/** The content of `annotations.json`. */
export interface EmbeddedAnnotations {
  readonly classes: readonly string[];
  readonly size: number;
  readonly images: readonly EmbeddedAnnotation[];
}

/** What {@link generateEmbedded} made. */
export interface EmbeddedSummary {
  /** Absolute path of the data set. Its folders `train` and `test` hold one folder per class. */
  readonly folder: string;
  readonly options: Required<EmbeddedOptions>;
  readonly classes: readonly string[];
  /** False if the data set existed already. */
  readonly generated: boolean;
}

const usual: Required<EmbeddedOptions> = {
  seed: 0,
  train: 2000,
  test: 500,
  size: 64,
  classes: 10,
  difficulty: "demo",
};

/** Raised when the same options give other pictures. */
const version = 1;
const annotationsName = "annotations.json";

/** Whether the annotations and all pictures are there. */
async function isComplete(folder: string, options: Required<EmbeddedOptions>): Promise<boolean> {
  if ((await namesIn(folder))?.includes(annotationsName) !== true) return false;
  for (const split of splits) {
    const folders = concepts.slice(0, options.classes).map((name) => join(folder, split, name));
    const pictures = await Promise.all(folders.map(namesIn));
    const masks = await namesIn(join(folder, "masks", split));
    const count = pictures.reduce((sum, found) => sum + (found?.length ?? 0), 0);
    if (count !== options[split] || masks?.length !== options[split]) return false;
  }
  return true;
}

async function writePicture(folder: string, key: PictureKey, picture: Picture): Promise<EmbeddedAnnotation> {
  const id = `${key.split}-${String(key.index).padStart(5, "0")}`;
  const file = `${key.split}/${concepts[picture.label]}/${id}.png`;
  const mask = `masks/${key.split}/${id}.png`;
  const size = Math.sqrt(picture.mask.length);
  await Promise.all([
    writePng(join(folder, file), picture.rgb, size, 3),
    writePng(join(folder, mask), picture.mask, size, 1),
  ]);
  const { box, label, share, hand, texture, style } = picture;
  const corners = [box.x, box.y, box.width, box.height] as const;
  return { id, split: key.split, file, mask, label, box: corners, share, hand, texture, style };
}

/** Draws and writes everything into a folder. */
async function build(
  folder: string,
  options: Required<EmbeddedOptions>,
  drawing: DrawingOptions,
): Promise<void> {
  const classes = concepts.slice(0, options.classes);
  for (const split of splits) {
    await mkdir(join(folder, "masks", split), { recursive: true });
    for (const name of classes) await mkdir(join(folder, split, name), { recursive: true });
  }
  const kit = await loadKit(options);
  const keys = splits.flatMap((split) =>
    Array.from({ length: options[split] }, (_, index): PictureKey => ({ seed: options.seed, split, index })),
  );
  const lines: string[] = [];
  const write = (key: PictureKey) => writePicture(folder, key, drawPicture(kit, key));
  const count = pictureCounter(keys.length, drawing);
  for await (const annotation of mapOrdered(keys, 8, write)) {
    lines.push(JSON.stringify(annotation));
    count();
  }
  const head = `{"classes":${JSON.stringify(classes)},"size":${options.size},"images":[`;
  await writeFile(join(folder, annotationsName), `${head}\n${lines.join(",\n")}\n]}\n`);
}

/**
 * Generates the embedded data set in `folder`, unless the same one exists there: pictures in `train/<class>/<id>.png`
 * and `test/<class>/<id>.png`, masks (white on the object) in `masks/<split>/<id>.png`, `annotations.json`
 * ({@link EmbeddedAnnotations}), and the stamp `embedded.json`.
 *
 * The same options give the same bytes, with the same versions of sharp and the icon sets. The pictures of a split do
 * not depend on the size of the other split. Classes alternate, so their counts differ by at most one picture.
 * Everything is built beside the folder and renamed at the end. An embedded data set with other options is replaced; a
 * folder with other content is refused.
 *
 * Throws UsageError (`embedded-<option>`, `embedded-folder-taken`), DataError (`drawings-missing`) and InterruptedError.
 */
export async function generateEmbedded(
  folder: string,
  given: EmbeddedOptions = {},
  drawing: DrawingOptions = {},
): Promise<EmbeddedSummary> {
  const options = checkedOptions(given, usual);
  const target = resolve(folder);
  const classes = concepts.slice(0, options.classes);
  const renderer = { sharp: sharp.versions.sharp, librsvg: sharp.versions.rsvg };
  const stamp = `${JSON.stringify({ version, options, drawings: await drawingVersions(), renderer })}\n`;
  const generated = await generateFolder({
    folder: target,
    stamp,
    isComplete: (at) => isComplete(at, options),
    build: (at) => build(at, options, drawing),
  });
  return { folder: target, options, classes, generated };
}
