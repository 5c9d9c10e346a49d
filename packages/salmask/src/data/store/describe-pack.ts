import { DataError } from "../../base/errors.js";
import { IMAGE_EXTENSIONS } from "../../image/formats.js";
import type { ImageSource, SkippedImage, SourceLabels } from "../sources/image-source.js";
import { byCodeUnits } from "../sources/names.js";
import { contentFingerprint } from "./identity.js";
import type { CacheIndex } from "./index-file.js";

/** What is to be packed. */
export interface PackSource {
  readonly source: ImageSource;
  readonly size: number;
  /** Name of the cache folder to build. */
  readonly key: string;
  /** Fewer photos are refused. */
  readonly least: number;
}

/** The result for a file: a square in `images.bin`, or the reason for skipping it; `unread` where that reason may pass. */
export type Outcome = PackedPhoto | { readonly kind: "skipped" | "unread"; readonly reason: string };

export interface PackedPhoto {
  readonly kind: "row";
  /** Number of the square in `images.bin`. */
  readonly row: number;
  /** CRC-32 of the square. */
  readonly check: number;
  /** SHA-256 of the photo's file, or of its pixels. */
  readonly content: string;
  /** Height and width of the upright photo in pixels. */
  readonly original: [number, number];
}

export interface WrittenImages {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly storedRows: number;
  /** Modification time of the file, in ms. */
  readonly modified: number;
}

/**
 * The index of packed photos, with sorted names. If every usable photo is in a folder, the first folder is its label.
 * Throws a {@link DataError} if fewer than `least` photos are usable: `no-images`, `unreadable-images`, `too-few-images`.
 */
export function describePack(job: PackSource, { outcomes, storedRows, modified }: WrittenImages): CacheIndex {
  const { commonFolder, skipped: unoffered, others } = job.source.summary();
  const shortName = (name: string) =>
    name.startsWith(commonFolder) ? name.slice(commonFolder.length) : name;
  const photos: (PackedPhoto & { readonly name: string })[] = [];
  const skipped = unoffered.map(({ name, reason }) => ({ name: shortName(name), reason }));
  const unread: string[] = [];
  for (const [name, outcome] of outcomes) {
    if (outcome.kind === "row") photos.push({ name: shortName(name), ...outcome });
    else skipped.push({ name: shortName(name), reason: outcome.reason });
    if (outcome.kind === "unread") unread.push(name);
  }
  photos.sort((a, b) => byCodeUnits(a.name, b.name));
  skipped.sort((a, b) => byCodeUnits(a.name, b.name));
  if (photos.length === 0) throw withoutPhotos(job.source.path, skipped, others);
  const names = photos.map(({ name }) => name);
  assertEnough({ source: job.source.path, names, skipped }, job.least);
  const { classes, labelOf } = job.source.labels ?? labelsOfFolders(names);
  return {
    key: job.key,
    fingerprint: contentFingerprint(job.size, photos),
    source: job.source.path,
    size: job.size,
    storedRows,
    modified,
    names,
    rows: photos.map(({ row }) => row),
    checks: photos.map(({ check }) => check),
    labels: names.map((name) => labelOf(name)),
    classes: [...classes],
    originalSizes: photos.map(({ original }) => original),
    skipped,
    unread,
  };
}

/** The classes of photos that each lie in a folder, by the first folder's name; none where one does not. */
export function labelsOfFolders(names: readonly string[]): SourceLabels {
  const classOf = (name: string) => name.slice(0, name.indexOf("/"));
  if (!names.every((name) => name.includes("/"))) return { classes: [], labelOf: () => -1 };
  const classes = [...new Set(names.map(classOf))].sort(byCodeUnits);
  const labels = new Map(classes.map((name, label) => [name, label]));
  return { classes, labelOf: (name) => labels.get(classOf(name)) ?? -1 };
}

/** What is said of files that were skipped; empty where there are none. */
function leftOut(skipped: readonly SkippedImage[]): string {
  const reasons = skipped.slice(0, 3).map(({ name, reason }) => `${name}: ${reason}`);
  return skipped.length === 0 ? "" : `; ${skipped.length} skipped (${reasons.join("; ")})`;
}

/** Throws a {@link DataError} `too-few-images` where a source has fewer than `least` photos. */
export function assertEnough(
  {
    source,
    names,
    skipped,
  }: Readonly<Pick<CacheIndex, "source">> & {
    readonly names: readonly string[];
    readonly skipped: readonly SkippedImage[];
  },
  least: number,
): void {
  if (names.length >= least) return;
  throw new DataError(
    "too-few-images",
    `Expected at least ${least} photos in ${source}, because contrasting needs one to tell from another, got ${names.length}${leftOut(skipped)}. Add photos.`,
  );
}

/** The error for a source of which no photo can be used. */
export function withoutPhotos(
  path: string,
  skipped: readonly SkippedImage[],
  others: ReadonlyMap<string, number>,
): DataError {
  if (skipped.length > 0) {
    return new DataError(
      "unreadable-images",
      `Expected photos in ${path}, got none that can be read${leftOut(skipped)}.`,
    );
  }
  const seen = [...others].sort(([, a], [, b]) => b - a).slice(0, 5);
  const found = seen.map(([extension, n]) => `${n} of ${extension || "no extension"}`).join(", ");
  return new DataError(
    "no-images",
    `Expected photos (${IMAGE_EXTENSIONS.join(", ")}) in ${path}, got ${found === "" ? "no files" : `only other files: ${found}`}.`,
  );
}
