/** Outlines and run lengths of an object as annotation files give them, checked and otherwise as they are. */
import { DataError } from "../../base/errors.js";
import { shown } from "../../base/faults.js";
import { maskOfPolygons } from "./polygon.js";
import { type Rle, rleOfCounts } from "./rle.js";
import { rleOfString } from "./rle-string.js";

/** An object's mask as its annotation gives it. */
export type Segmentation =
  /** The object is what lies within any of them; each is `x0, y0, x1, y1, ...` in pixels, of three points or more. */
  | { readonly kind: "polygons"; readonly polygons: readonly (readonly number[])[] }
  | { readonly kind: "rle"; readonly rle: Rle };

/** What was read, or why it was not. */
export type Parsed<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "bad"; readonly message: string };

interface PhotoSize {
  readonly height: number;
  readonly width: number;
}

const read = (value: Segmentation | null): Parsed<Segmentation | null> => ({ kind: "read", value });
const bad = (message: string): Parsed<Segmentation | null> => ({ kind: "bad", message });

const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isFinite);

/**
 * The `segmentation` of an annotation in COCO's form: a list of polygons, or run lengths `{ size: [height, width], counts }` as
 * numbers or as COCO's compressed string. Null where it is missing or an empty list.
 */
export function parseSegmentation(value: unknown, photo: PhotoSize): Parsed<Segmentation | null> {
  if (value === undefined || value === null) return read(null);
  if (Array.isArray(value)) return parsePolygons(value);
  if (typeof value !== "object") {
    return bad(`Expected polygons or run lengths as segmentation, got ${typeof value}.`);
  }
  const { size, counts }: { size?: unknown; counts?: unknown } = value;
  if (!isNumbers(size) || size.length !== 2 || size[0] !== photo.height || size[1] !== photo.width) {
    return bad(
      `Expected run lengths of the photo's size [${photo.height}, ${photo.width}], got ${shown(size)}.`,
    );
  }
  const { height, width } = photo;
  if (typeof counts === "string") return parsedRle(() => rleOfString(counts, height, width));
  if (!isNumbers(counts)) return bad(`Expected run lengths as numbers or a string, got ${typeof counts}.`);
  return parsedRle(() => rleOfCounts(counts, height, width));
}

function parsedRle(make: () => Rle): Parsed<Segmentation | null> {
  try {
    return read({ kind: "rle", rle: make() });
  } catch (error) {
    if (error instanceof DataError) return bad(error.message);
    throw error;
  }
}

function parsePolygons(value: readonly unknown[]): Parsed<Segmentation | null> {
  if (value.length === 0) return read(null);
  const polygons: number[][] = [];
  for (const polygon of value) {
    if (!isNumbers(polygon)) return bad("Expected polygons of finite numbers, got something else.");
    if (polygon.length < 6 || polygon.length % 2 !== 0) {
      return bad(`Expected pairs of coordinates for three points or more, got ${polygon.length} numbers.`);
    }
    polygons.push(polygon);
  }
  return read({ kind: "polygons", polygons });
}

/** The pixels of an object in its photo. Polygons are rasterised as COCO does it. */
export function toMask(segmentation: Segmentation, height: number, width: number): Rle {
  return segmentation.kind === "rle"
    ? segmentation.rle
    : maskOfPolygons(segmentation.polygons, height, width);
}
