import { IMAGE_EXTENSIONS } from "../../image/formats.js";

// Limits, because a hostile archive could have a new extension for every file.
const MAX_EXTENSIONS = 1000;
const LONGEST_EXTENSION = 16;

/** The part of a name from its last dot, in lower case; empty if there is none, or if it is long. */
export function extensionOf(name: string): string {
  const extension = /[^/](\.[^./]*)$/.exec(name)?.[1].toLowerCase() ?? "";
  return extension.length > LONGEST_EXTENSION ? "" : extension;
}

/** Whether the name is that of a photo. Hidden files, such as macOS's `._photo.jpg`, are not photos. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extensionOf(name));
}

/** Adds one to the count of an extension. If there are very many extensions, new ones are counted together as "others". */
export function countUp(counts: Map<string, number>, extension: string): void {
  const key = counts.has(extension) || counts.size < MAX_EXTENSIONS ? extension : "others";
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Order by UTF-16 code units, the same in every locale. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
