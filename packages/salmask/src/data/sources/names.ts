/** Extensions of photos, compared in lower case. */
export const IMAGE_EXTENSIONS: readonly string[] = [".jpg", ".jpeg", ".png", ".webp"];

/** The part of a name from its last dot on, in lower case; empty where there is none. */
export function extensionOf(name: string): string {
  return /[^/](\.[^./]*)$/.exec(name)?.[1].toLowerCase() ?? "";
}

/** Whether the name is one of a photo. Hidden files, such as macOS's `._photo.jpg`, are not. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extensionOf(name));
}

/** Adds one to a count in a map. */
export function countUp(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Order by UTF-16 code units, the same under every locale. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
