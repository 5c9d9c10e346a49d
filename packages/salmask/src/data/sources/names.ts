import { IMAGE_EXTENSIONS } from "../../image/formats.js";

// A hostile archive could bring a new extension with every file.
const MAX_EXTENSIONS = 1000;
const LONGEST_EXTENSION = 16;

/** The part of a name from its last dot on, in lower case; empty where there is none, or a long one. */
export function extensionOf(name: string): string {
  const extension = /[^/](\.[^./]*)$/.exec(name)?.[1].toLowerCase() ?? "";
  return extension.length > LONGEST_EXTENSION ? "" : extension;
}

/** Whether the name is one of a photo. Hidden files, such as macOS's `._photo.jpg`, are not. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extensionOf(name));
}

/** Adds one to the count of an extension; once there are very many, new ones count together as "others". */
export function countUp(counts: Map<string, number>, extension: string): void {
  const key = counts.has(extension) || counts.size < MAX_EXTENSIONS ? extension : "others";
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Order by UTF-16 code units, the same under every locale. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
