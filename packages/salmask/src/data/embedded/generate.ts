/**
 * The embedded data set: a substitute for photos that needs no download. Emoji drawings from three icon sets on
 * generated scenes. The alpha of a drawing is its true foreground, so the set also has masks and boxes.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { mapOrdered } from "../../base/concurrent.js";
import { DataError, UsageError } from "../../base/errors.js";
import { temporaryName } from "../../base/files.js";
import { concepts, distractors, drawingVersions, type Hand, loadDrawings } from "./drawings.js";
import {
  drawPicture,
  type Picture,
  type PictureKey,
  type PictureKit,
  recipes,
  type Split,
  splits,
} from "./picture.js";
import type { Texture } from "./scene.js";
import { type Difficulty, difficulties } from "./settings.js";

export interface EmbeddedOptions {
  /** Whole number from 0. Default 0. */
  readonly seed?: number;
  /** Pictures of the train split, from 1 to 99,999. Default 2000. */
  readonly train?: number;
  /** Pictures of the test split, from 0 to 99,999. Default 500. */
  readonly test?: number;
  /** Side of the pictures in pixels, from 32 to 512. Default 64. */
  readonly size?: number;
  /** From 2 to 20. Default 10. */
  readonly classes?: number;
  /** Default `demo`. */
  readonly difficulty?: Difficulty;
}

const defaults: Required<EmbeddedOptions> = {
  seed: 0,
  train: 2000,
  test: 500,
  size: 64,
  classes: 10,
  difficulty: "demo",
};

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

export interface EmbeddedSummary {
  /** Absolute path of the data set. Its folders `train` and `test` hold one folder per class. */
  readonly folder: string;
  readonly options: Required<EmbeddedOptions>;
  readonly classes: readonly string[];
  /** False if the data set existed already. */
  readonly generated: boolean;
}

/** Increased when the same options give other pictures. */
const version = 1;
const stampName = "embedded.json";
const annotationsName = "annotations.json";

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new UsageError(
    `embedded-${name}`,
    `Expected ${name} of the embedded data set to be a whole number from ${least} to ${most}, got ${value}.`,
  );
}

function checkedOptions(given: EmbeddedOptions): Required<EmbeddedOptions> {
  const options: Required<EmbeddedOptions> = {
    seed: given.seed ?? defaults.seed,
    train: given.train ?? defaults.train,
    test: given.test ?? defaults.test,
    size: given.size ?? defaults.size,
    classes: given.classes ?? defaults.classes,
    difficulty: given.difficulty ?? defaults.difficulty,
  };
  requireWhole("seed", options.seed, 0, Number.MAX_SAFE_INTEGER);
  requireWhole("train", options.train, 1, 99_999);
  requireWhole("test", options.test, 0, 99_999);
  requireWhole("size", options.size, 32, 512);
  requireWhole("classes", options.classes, 2, concepts.length);
  if (!difficulties.includes(options.difficulty)) {
    throw new UsageError(
      "embedded-difficulty",
      `Expected difficulty to be one of ${difficulties.join(", ")}, got "${options.difficulty}".`,
    );
  }
  return options;
}

const errorCode = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** Names in a folder; undefined if it does not exist. Throws DataError if the path is not a readable folder. */
async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw new DataError(
      "embedded-folder",
      `Expected a folder at ${folder}, got something that cannot be listed. Name another folder.`,
      cause,
    );
  }
}

/** Whether all files of the stamp exist: the stamp itself, the annotations and all pictures. */
async function isComplete(
  folder: string,
  stamp: string,
  options: Required<EmbeddedOptions>,
): Promise<boolean> {
  const names = await namesIn(folder);
  if (!names?.includes(stampName) || !names.includes(annotationsName)) return false;
  if ((await readFile(join(folder, stampName), "utf8")) !== stamp) return false;
  for (const split of splits) {
    const folders = concepts.slice(0, options.classes).map((name) => join(folder, split, name));
    const pictures = await Promise.all(folders.map(namesIn));
    const masks = await namesIn(join(folder, "masks", split));
    const count = pictures.reduce((sum, found) => sum + (found?.length ?? 0), 0);
    if (count !== options[split] || masks?.length !== options[split]) return false;
  }
  return true;
}

/** Refuses to replace a folder that holds anything else. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names === undefined || names.length === 0 || names.includes(stampName)) return;
  throw new UsageError(
    "embedded-folder-taken",
    `Expected ${folder} to be missing, empty or an embedded data set, got other files in it (${names[0]}). Name another folder.`,
  );
}

async function writePng(path: string, pixels: Uint8Array, size: number, channels: 1 | 3): Promise<void> {
  await sharp(pixels, { raw: { width: size, height: size, channels } })
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .png({ compressionLevel: 1 })
    .toFile(path);
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

/** Draws and writes everything into a folder; the stamp is written last. */
async function build(folder: string, stamp: string, options: Required<EmbeddedOptions>): Promise<void> {
  const classes = concepts.slice(0, options.classes);
  for (const split of splits) {
    await mkdir(join(folder, "masks", split), { recursive: true });
    for (const name of classes) await mkdir(join(folder, split, name), { recursive: true });
  }
  const clutter = recipes[options.difficulty].fragments[1] > 0 ? distractors : [];
  const drawings = await loadDrawings([...classes, ...clutter], options.size);
  const kit: PictureKit = {
    size: options.size,
    difficulty: options.difficulty,
    classes: drawings.slice(0, classes.length),
    distractors: drawings.slice(classes.length).flat(),
  };
  const keys = splits.flatMap((split) =>
    Array.from({ length: options[split] }, (_, index): PictureKey => ({ seed: options.seed, split, index })),
  );
  const lines: string[] = [];
  const write = (key: PictureKey) => writePicture(folder, key, drawPicture(kit, key));
  for await (const annotation of mapOrdered(keys, 8, write)) lines.push(JSON.stringify(annotation));
  const head = `{"classes":${JSON.stringify(classes)},"size":${options.size},"images":[`;
  await writeFile(join(folder, annotationsName), `${head}\n${lines.join(",\n")}\n]}\n`);
  await writeFile(join(folder, stampName), stamp);
}

/** Moves a finished folder to its place and replaces an older data set. On failure the older one stays. */
async function putInPlace(finished: string, folder: string): Promise<void> {
  const old = temporaryName(folder);
  try {
    await rename(folder, old);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  try {
    await rename(finished, folder);
  } catch (error) {
    await rename(old, folder).catch(() => undefined);
    throw error;
  } finally {
    await rm(old, { recursive: true, force: true });
  }
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
 * Throws UsageError (`embedded-<option>`, `embedded-folder-taken`) and DataError (`drawings-missing`).
 */
export async function generateEmbedded(
  folder: string,
  given: EmbeddedOptions = {},
): Promise<EmbeddedSummary> {
  const options = checkedOptions(given);
  const target = resolve(folder);
  const classes = concepts.slice(0, options.classes);
  const renderer = { sharp: sharp.versions.sharp, librsvg: sharp.versions.rsvg };
  const stamp = `${JSON.stringify({ version, options, drawings: await drawingVersions(), renderer })}\n`;
  const already = { folder: target, options, classes, generated: false };
  if (await isComplete(target, stamp, options)) return already;
  await refuseForeign(target);
  const temporary = temporaryName(target);
  try {
    await build(temporary, stamp, options);
    // Another process may have generated the same data set in the meantime.
    if (await isComplete(target, stamp, options)) return already;
    await putInPlace(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { ...already, generated: true };
}
