import { DataError } from "../../base/errors.js";
import { byCodeUnits, IMAGE_EXTENSIONS } from "../sources/names.js";
import type { ImageSource, SkippedImage } from "../sources/source.js";
import type { CacheIndex } from "./index-file.js";

/** What became of a file: a square in `images.bin` and the photo's height and width, or a reason. */
export type Outcome =
  | { readonly kind: "row"; readonly row: number; readonly original: [number, number] }
  | { readonly kind: "skipped"; readonly reason: string };

/**
 * The index of packed photos: names sorted, labels by the first folder where every usable photo lies in one.
 * Throws a {@link DataError} where fewer than two are usable: `no-images`, `unreadable-images`, `too-few-images`.
 */
export function describePack(
  job: { readonly source: ImageSource; readonly size: number; readonly fingerprint: string },
  outcomes: ReadonlyMap<string, Outcome>,
  storedRows: number,
): CacheIndex {
  const { commonFolder, skipped: unoffered, others } = job.source.summary();
  const named = [...outcomes].map(([name, outcome]) => ({ name: name.slice(commonFolder.length), outcome }));
  named.sort((a, b) => byCodeUnits(a.name, b.name));
  const photos = named.flatMap(({ name, outcome }) => (outcome.kind === "row" ? [{ name, ...outcome }] : []));
  const unreadable = named.flatMap(({ name, outcome }) =>
    outcome.kind === "skipped" ? [{ name, reason: outcome.reason }] : [],
  );
  const skipped = [...unoffered, ...unreadable].sort((a, b) => byCodeUnits(a.name, b.name));
  assertEnough(job.source.path, photos.length, skipped, others);
  const names = photos.map(({ name }) => name);
  const labelled = names.every((name) => name.includes("/"));
  const classOf = (name: string) => name.slice(0, name.indexOf("/"));
  const classes = labelled ? [...new Set(names.map(classOf))].sort(byCodeUnits) : [];
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  return {
    fingerprint: job.fingerprint,
    source: job.source.path,
    size: job.size,
    storedRows,
    names,
    rows: photos.map(({ row }) => row),
    labels: names.map((name) => (labelled ? (labelOf.get(classOf(name)) ?? -1) : -1)),
    classes,
    originalSizes: photos.map(({ original }) => original),
    skipped,
  };
}

function assertEnough(
  path: string,
  usable: number,
  skipped: readonly SkippedImage[],
  others: ReadonlyMap<string, number>,
): void {
  if (usable >= 2) return;
  const reasons = skipped.slice(0, 3).map(({ name, reason }) => `${name}: ${reason}`);
  const left = skipped.length === 0 ? "" : `; ${skipped.length} skipped (${reasons.join("; ")})`;
  if (usable === 1) {
    throw new DataError(
      "too-few-images",
      `expected at least 2 photos in ${path}, because contrasting needs one to tell from another, but 1 came${left}`,
    );
  }
  if (skipped.length > 0) {
    throw new DataError(
      "unreadable-images",
      `expected photos in ${path}, but none of them can be read${left}`,
    );
  }
  const seen = [...others].sort(([, a], [, b]) => b - a).slice(0, 5);
  const found = seen.map(([extension, n]) => `${n} of ${extension || "no extension"}`).join(", ");
  throw new DataError(
    "no-images",
    `expected photos (${IMAGE_EXTENSIONS.join(", ")}) in ${path}, but it holds ${found === "" ? "no files" : `only other files: ${found}`}`,
  );
}
