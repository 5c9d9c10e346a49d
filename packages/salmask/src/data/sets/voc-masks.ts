/** PASCAL VOC's instance masks: pictures whose colours number the objects of a photo, and their classes. */
import sharp from "sharp";
import { messageOf } from "../../base/errors.js";
import type { Box } from "../samples/box.js";
import type { AnnotatedPhoto, PhotoObject } from "../samples/objects.js";
import type { Parsed, Segmentation } from "../samples/segmentation.js";

/** Pixels as numbers: a colour's 24 bits, or a grey value. */
interface Numbers {
  readonly values: Uint32Array;
  readonly width: number;
  readonly height: number;
}

/** Pixels that belong to no object and not to the background either, in the devkit's colours and in grey. */
const isVoid = (value: number) => value === 0xe0e0c0 || value === 255;

/** Least overlap, as intersection over union, of an object's box and of the box around an instance that is taken for it. */
const leastOverlap = 0.5;

/** An instance: where its pixels are. */
interface Instance {
  readonly value: number;
  /** Of its pixels. */
  box: [left: number, top: number, right: number, bottom: number];
  area: number;
  /** How many of its pixels are of each class, by the class picture's numbers. */
  readonly classes: Map<number, number>;
}

export interface InstanceFiles {
  /** Path of the picture that numbers objects. */
  readonly objects: string;
  /** Path of the picture that numbers classes; null where there is none. */
  readonly classes: string | null;
  /** The class picture's number of an object's class, from 1; 0 where it is not known. */
  classNumber(object: PhotoObject): number;
}

/**
 * A photo's objects with the masks of the instances that fit them: of the same class where that is known, and around whose pixels
 * the box overlaps best. Objects that no instance fits stay as they were. What keeps the pictures from being read is a message.
 */
export async function readInstances(
  photo: AnnotatedPhoto,
  files: InstanceFiles,
): Promise<Parsed<readonly PhotoObject[]>> {
  try {
    const numbers = await readNumbers(files.objects, photo);
    const classes = files.classes === null ? null : await readNumbers(files.classes, photo);
    const instances = findInstances(numbers, classes);
    return { kind: "read", value: match(photo.objects, instances, numbers, files) };
  } catch (error) {
    const reason = messageOf(error);
    return { kind: "bad", message: reason.split("\n")[0] };
  }
}

async function readNumbers(path: string, photo: { height: number; width: number }): Promise<Numbers> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (width !== photo.width || height !== photo.height) {
    throw new Error(
      `Expected a picture of masks of the photo's ${photo.width} x ${photo.height} pixels, got ${width} x ${height} at ${path}.`,
    );
  }
  const values = new Uint32Array(width * height);
  for (let i = 0; i < values.length; i++) {
    const at = i * channels;
    values[i] = channels < 3 ? data[at] : (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
  }
  return { values, width, height };
}

function findInstances({ values, width }: Numbers, classes: Numbers | null): Instance[] {
  const found = new Map<number, Instance>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === 0 || isVoid(value)) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    let instance = found.get(value);
    if (instance === undefined) {
      instance = { value, box: [x, y, x + 1, y + 1], area: 0, classes: new Map() };
      found.set(value, instance);
    }
    const [left, top, right, bottom] = instance.box;
    instance.box = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
    instance.area++;
    if (classes !== null) {
      const kind = classes.values[i];
      instance.classes.set(kind, (instance.classes.get(kind) ?? 0) + 1);
    }
  }
  return [...found.values()];
}

/** The 24-bit colour of a number in the devkit's colour map: its bits spread over the colours' bits, the highest first. */
export function vocColour(number: number): number {
  let [red, green, blue] = [0, 0, 0];
  for (let bit = 7, rest = number; rest > 0; bit--, rest >>= 3) {
    red |= (rest & 1) << bit;
    green |= ((rest >> 1) & 1) << bit;
    blue |= ((rest >> 2) & 1) << bit;
  }
  return (red << 16) | (green << 8) | blue;
}

function hasClass({ classes }: Instance, number: number): boolean {
  if (classes.size === 0 || number === 0) return true;
  const [most] = [...classes].sort((a, b) => b[1] - a[1])[0];
  return most === number || most === vocColour(number);
}

function match(
  objects: readonly PhotoObject[],
  instances: readonly Instance[],
  numbers: Numbers,
  { classNumber }: InstanceFiles,
): PhotoObject[] {
  const pairs = objects.flatMap((object, i) =>
    instances
      .filter((instance) => hasClass(instance, classNumber(object)))
      .map((instance) => ({ i, instance, overlap: overlapOf(object.box, instance.box) })),
  );
  pairs.sort((a, b) => b.overlap - a.overlap);
  const chosen = new Map<number, Instance>();
  const taken = new Set<Instance>();
  for (const { i, instance, overlap } of pairs) {
    if (overlap < leastOverlap) break;
    if (chosen.has(i) || taken.has(instance)) continue;
    chosen.set(i, instance);
    taken.add(instance);
  }
  return objects.map((object, i) => {
    const instance = chosen.get(i);
    if (instance === undefined) return object;
    return { ...object, area: instance.area, segmentation: maskOf(instance.value, numbers) };
  });
}

function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const areaOf = ([left, top, right, bottom]: Box) => (right - left) * (bottom - top);
  return (width * height) / (areaOf(a) + areaOf(b) - width * height);
}

function maskOf(value: number, { values, width, height }: Numbers): Segmentation {
  const counts: number[] = [];
  let [inside, run] = [false, 0];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if ((values[y * width + x] === value) !== inside) {
        counts.push(run);
        [inside, run] = [!inside, 0];
      }
      run++;
    }
  }
  counts.push(run);
  return { kind: "rle", rle: { height, width, counts: Uint32Array.from(counts) } };
}
