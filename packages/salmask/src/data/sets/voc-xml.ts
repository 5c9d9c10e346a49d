/** One annotation in PASCAL VOC's XML. */
import { readFileSync } from "node:fs";
import { XMLParser } from "fast-xml-parser";
import { messageOf } from "../../base/errors.js";
import type { Box } from "../samples/box.js";

export interface VocObject {
  readonly name: string;
  /** Or what is wrong with it. */
  readonly box: Box | string;
  readonly isDifficult: boolean;
}

export interface VocAnnotation {
  /** As the file says; empty where it does not. */
  readonly filename: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly VocObject[];
}

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
});

/** An element: its text where it has no elements in it. */
type Element = Readonly<Record<string, unknown>>;

const isElement = (value: unknown): value is Element =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "");

/** A number of an element's text; NaN where it is none. */
function numberOf(parent: unknown, name: string): number {
  const text = isElement(parent) ? textOf(parent[name]) : "";
  return text === "" ? Number.NaN : Number(text);
}

/**
 * The annotation in a file, or what is wrong with it. VOC's corners count pixels from 1 and belong to the box:
 * `[xmin - 1, ymin - 1, xmax, ymax]` here. Fractions are kept, as VOC2012 has some. Parts of people and what a set says besides are
 * passed over.
 */
export function readVocXml(path: string): VocAnnotation | string {
  let annotation: unknown;
  try {
    const text = readFileSync(path, "utf8");
    const document: Element = parser.parse(text, true);
    annotation = document.annotation;
  } catch (error) {
    const reason = messageOf(error);
    return `Expected XML at ${path}, got: ${reason.split("\n")[0]}`;
  }
  if (!isElement(annotation)) return `Expected an element "annotation" in ${path}, got none.`;
  const [width, height] = [numberOf(annotation.size, "width"), numberOf(annotation.size, "height")];
  if (!(Number.isInteger(width) && width > 0 && Number.isInteger(height) && height > 0)) {
    return `Expected the photo's width and height in ${path}, got ${width} x ${height}.`;
  }
  // One element is parsed to itself, several to a list.
  const given: unknown[] = Array.isArray(annotation.object) ? annotation.object : [annotation.object];
  return {
    filename: textOf(annotation.filename),
    width,
    height,
    objects: given.filter(isElement).map(readObject),
  };
}

function readObject(object: Element): VocObject {
  return {
    name: textOf(object.name),
    box: readBox(object.bndbox),
    isDifficult: numberOf(object, "difficult") === 1,
  };
}

function readBox(given: unknown): Box | string {
  const [xmin, ymin, xmax, ymax] = ["xmin", "ymin", "xmax", "ymax"].map((name) => numberOf(given, name));
  const box = [xmin - 1, ymin - 1, xmax, ymax] as const;
  if (box.every(Number.isFinite)) return box;
  return `Expected a bndbox with the numbers xmin, ymin, xmax and ymax, got ${[xmin, ymin, xmax, ymax].join(", ")}.`;
}
