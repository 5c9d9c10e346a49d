/** One annotation file in COCO's form, with every number in it checked. */
import { constants } from "node:buffer";
import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { DataError, messageOf } from "../../base/errors.js";
import { shown } from "../../base/faults.js";
import { statusOf } from "../../base/files.js";
import { fileSize } from "../../base/format.js";
import type { AnnotatedPhoto, AnnotatedPhotos, Category, PhotoObject } from "../samples/objects.js";
import { parseSegmentation } from "../samples/segmentation.js";
import { boxFault } from "./boxes.js";
import type { Faults } from "./faults.js";

/** An object of JSON whose fields have not been looked at. */
type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is number => Number.isSafeInteger(value);
const isSide = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;

/**
 * Reads an annotation file in COCO's form and looks which of its photos lie in `folder`; their pixels are not read. What is wrong
 * is added to the faults and left out, a photo together with its objects. Boxes are as the file says; one may leave the photo by a
 * pixel, as rounding does. The file is parsed as one text: one of 450 MB with 860,001 objects, as many as train2017 has, made for the
 * measurement, took 1.7 GB of memory at most. Throws a DataError: `unreadable-annotations`, `too-large-annotations`, `not-coco`.
 */
export async function readCocoFile(path: string, folder: string, faults: Faults): Promise<AnnotatedPhotos> {
  const { images, annotations, categories } = await readParts(path);
  const name = basename(path);
  if (annotations.length === 0) {
    faults.add("no-annotations", name, "Expected annotations of objects, got none.");
  }
  const kinds = readCategories(categories, faults);
  const categoryOf = new Map(kinds.map(({ id }, position) => [id, position]));
  const { photos, left } = readPhotos(images, folder, faults);
  const objects = new Map<number, PhotoObject[]>([...photos.keys()].map((id) => [id, []]));
  const ids = new Set<number>();
  for (const [place, fields] of annotations.entries()) {
    if (!isFields(fields) || !isId(fields.id)) {
      faults.add(
        "bad-annotation",
        `annotation at place ${place}`,
        "Expected a whole number as id, got none.",
      );
      continue;
    }
    const of = `annotation ${fields.id}`;
    if (ids.has(fields.id)) {
      faults.add("duplicate-id", of, "Expected an id that no other annotation has, got it a second time.");
      continue;
    }
    ids.add(fields.id);
    // The photo's own fault is told already.
    if (isId(fields.image_id) && left.has(fields.image_id)) continue;
    const photo = isId(fields.image_id) ? photos.get(fields.image_id) : undefined;
    const seen = isId(fields.image_id) ? objects.get(fields.image_id) : undefined;
    const category = isId(fields.category_id) ? categoryOf.get(fields.category_id) : undefined;
    if (photo === undefined || seen === undefined) {
      faults.add("unknown-photo", of, `Expected the id of a photo, got ${shown(fields.image_id)}.`);
    } else if (category === undefined) {
      faults.add("unknown-category", of, `Expected the id of a category, got ${shown(fields.category_id)}.`);
    } else {
      const object = readObject(fields.id, fields, category, photo, faults);
      if (object !== null) seen.push(object);
    }
  }
  const whole = [...photos.values()].map((photo) => ({ ...photo, objects: objects.get(photo.id) ?? [] }));
  return { path: folder, categories: kinds, photos: whole };
}

async function readParts(
  path: string,
): Promise<{ images: unknown[]; annotations: unknown[]; categories: unknown[] }> {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > constants.MAX_STRING_LENGTH) {
    throw new DataError(
      "too-large-annotations",
      `Expected an annotation file of at most ${fileSize(constants.MAX_STRING_LENGTH)}, which one text can hold, got ` +
        `${fileSize(bytes)} at ${path}. Split it into several files.`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const reason = messageOf(cause);
    throw new DataError("unreadable-annotations", `Expected JSON at ${path}, got: ${reason}`, cause);
  }
  const { images, annotations = [], categories }: Fields = isFields(json) ? json : {};
  if (Array.isArray(images) && Array.isArray(annotations) && Array.isArray(categories)) {
    return { images, annotations, categories };
  }
  throw new DataError(
    "not-coco",
    `Expected lists named images, annotations and categories in ${path}, got ${isFields(json) ? Object.keys(json).join(", ") || "none of them" : "no object"}.`,
  );
}

function readCategories(given: readonly unknown[], faults: Faults): Category[] {
  const found = new Map<number, Category>();
  for (const [place, fields] of given.entries()) {
    if (!isFields(fields) || !isId(fields.id) || typeof fields.name !== "string") {
      faults.add(
        "bad-category",
        `category at place ${place}`,
        `Expected an id and a name, got ${shown(fields)}.`,
      );
    } else if (found.has(fields.id)) {
      faults.add(
        "duplicate-id",
        `category ${fields.id}`,
        `Expected an id that no other category has, got ${fields.name} with that of ${found.get(fields.id)?.name}.`,
      );
    } else found.set(fields.id, { id: fields.id, name: fields.name });
  }
  return [...found.values()].sort((a, b) => a.id - b.id);
}

type Photo = Omit<AnnotatedPhoto, "objects">;

/** The photos that can be used by id, and the ids of the others. */
function readPhotos(
  given: readonly unknown[],
  folder: string,
  faults: Faults,
): { photos: Map<number, Photo>; left: Set<number> } {
  const photos = new Map<number, Photo>();
  const left = new Set<number>();
  const isThere = filesIn(folder);
  for (const [place, fields] of given.entries()) {
    if (!isFields(fields) || !isId(fields.id) || typeof fields.file_name !== "string") {
      const got = shown(fields);
      faults.add("bad-photo", `photo at place ${place}`, `Expected an id and a file_name, got ${got}.`);
      if (isFields(fields) && isId(fields.id)) left.add(fields.id);
      continue;
    }
    const { id, file_name: name, height, width } = fields;
    const of = `photo ${id} (${name})`;
    if (photos.has(id) || left.has(id)) {
      faults.add("duplicate-id", of, "Expected an id that no other photo has, got it a second time.");
    } else if (!isSide(height) || !isSide(width)) {
      const got = `${shown(width)} x ${shown(height)}`;
      faults.add("bad-photo", of, `Expected width and height in pixels, got ${got}.`);
      left.add(id);
    } else if (!isThere(name)) {
      faults.add("missing-photo", of, `Expected the photo in ${folder}, got no such file.`);
      left.add(id);
    } else photos.set(id, { id, name, height, width });
  }
  return { photos, left };
}

/** Whether a file lies in a folder or below; the folder is listed once. */
function filesIn(folder: string): (name: string) => boolean {
  let names: Set<string>;
  try {
    names = new Set(readdirSync(folder));
  } catch {
    return () => false;
  }
  return (name) =>
    names.has(name) ||
    // A name with a zero character is refused by an error instead of not being found.
    (name.includes("/") && !name.includes("\0") && statusOf(`${folder}/${name}`)?.isFile() === true);
}

/** One object; null where it has a fault. */
function readObject(
  id: number,
  fields: Fields,
  category: number,
  photo: Photo,
  faults: Faults,
): PhotoObject | null {
  const of = `annotation ${id} (photo ${photo.name})`;
  const { bbox, segmentation, area, iscrowd = 0 } = fields;
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite)) {
    faults.add("bad-box", of, `Expected a bbox of x, y, width and height, got ${shown(bbox)}.`);
    return null;
  }
  const [x, y, width, height]: number[] = bbox;
  const box = [x, y, x + width, y + height] as const;
  const wrong = boxFault(box, photo);
  if (wrong !== null) {
    faults.add(wrong.code, of, wrong.message);
    return null;
  }
  if (iscrowd !== 0 && iscrowd !== 1 && typeof iscrowd !== "boolean") {
    faults.add("bad-annotation", of, `Expected 0 or 1 as iscrowd, got ${shown(iscrowd)}.`);
    return null;
  }
  if (area !== undefined && area !== null && !(typeof area === "number" && area >= 0)) {
    faults.add("bad-annotation", of, `Expected an area of 0 or more, got ${shown(area)}.`);
    return null;
  }
  const parsed = parseSegmentation(segmentation, photo);
  if (parsed.kind === "bad") {
    faults.add("bad-segmentation", of, parsed.message);
    return null;
  }
  return {
    id,
    category,
    box,
    area: typeof area === "number" ? area : width * height,
    segmentation: parsed.value,
    isCrowd: iscrowd === 1 || iscrowd === true,
    isDifficult: false,
  };
}
