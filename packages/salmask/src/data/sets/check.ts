/** What a data set holds, beside what it should, and what is wrong with it. */
import { join } from "node:path";
import { InterruptedError, messageOf } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { readUprightSize } from "../../image/decode.js";
import type { AnnotatedPhotos } from "../samples/objects.js";
import { openFileList } from "../sources/file-list.js";
import type { ImageSource } from "../sources/image-source.js";
import {
  type AnnotatedSet,
  type DataSet,
  type LabelledSet,
  type SetOptions,
  splitNames,
} from "./data-set.js";
import { type Fault, Faults } from "./faults.js";
import { openWithFaults } from "./registry.js";

export interface CheckOptions extends Partial<SetOptions> {
  /** Whether every photo's header is read: slow, and finds unreadable photos and wrong sizes. Default false. */
  readonly photos?: boolean;
  /** Aborting ends the check with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Least, middle and most of some numbers. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

export interface ObjectCounts {
  readonly objects: number;
  /** As the set was published; null where that is not known. */
  readonly official: number | null;
  readonly masks: number;
  readonly crowds: number;
  readonly difficult: number;
  readonly photosWithout: number;
  /** By area in pixels: below 32 x 32, below 96 x 96, and larger, as COCO counts them. */
  readonly small: number;
  readonly medium: number;
  readonly large: number;
  /** Categories without an object. */
  readonly unseen: readonly string[];
}

export interface SplitReport {
  /** As the set calls it on disk. */
  readonly name: string;
  readonly use: string;
  readonly photos: number;
  /** As the set was published; null where that is not known. */
  readonly official: number | null;
  /** Shorter sides of the photos in pixels; null where their sizes were not looked at. */
  readonly shortSides: Spread | null;
  /** Photos of a class; null where photos show several objects. */
  readonly perClass: Spread | null;
  /** Null where photos have classes. */
  readonly objects: ObjectCounts | null;
}

export interface SetReport {
  readonly name: string;
  readonly title: string;
  readonly path: string;
  readonly notes: readonly string[];
  readonly classes: readonly string[];
  readonly officialClasses: number | null;
  /** Photos that are there without a class. */
  readonly unlabelled: number;
  readonly splits: readonly SplitReport[];
  readonly faults: {
    readonly total: number;
    readonly counts: Readonly<Record<string, number>>;
    /** The first of them. */
    readonly first: readonly Fault[];
  };
}

/** Looks through the data set in a folder. Throws as `openWithFaults` does, and InterruptedError. */
export async function checkSet(path: string, options: CheckOptions = {}): Promise<SetReport> {
  const { photos = false, signal, report = silent, ...given } = options;
  const faults = new Faults();
  const set = await openWithFaults(path, { ...given, faults });
  const look: Look = { faults, photos, signal, report };
  const { classes, splits } = await (set.kind === "labelled"
    ? checkLabelled(set, look)
    : checkAnnotated(set, look));
  return {
    name: set.name,
    title: set.title,
    path: set.path,
    notes: set.notes,
    classes,
    officialClasses: set.official?.classes ?? null,
    unlabelled: set.kind === "labelled" ? set.unlabelled : 0,
    splits,
    faults: { total: faults.total, counts: Object.fromEntries(faults.counts), first: faults.first },
  };
}

interface Look {
  readonly faults: Faults;
  readonly photos: boolean;
  readonly signal: AbortSignal | undefined;
  readonly report: Report;
}

type Found = Pick<SetReport, "classes" | "splits">;

const officialPhotos = (set: DataSet, split: string) => set.official?.splits[split]?.photos ?? null;

async function checkLabelled(set: LabelledSet, look: Look): Promise<Found> {
  const splits: SplitReport[] = [];
  for (const use of splitNames) {
    const photos = set.splits[use];
    if (photos === undefined) continue;
    const name = set.diskNames[use] ?? use;
    if (photos.length === 0) look.faults.add("no-photos", name, "Expected photos, got none.");
    const counts = new Array<number>(set.classes.length).fill(0);
    for (const { label } of photos) counts[label]++;
    const empty = set.classes.filter((_, label) => counts[label] === 0);
    if (photos.length > 0 && empty.length > 0) {
      const some = empty.slice(0, 5).join(", ");
      const message = `Expected photos of each of ${set.classes.length} classes, got none of ${empty.length}: ${some}.`;
      look.faults.add("no-photos", name, message);
    }
    const source = set.source(use);
    for (const { name: file, reason } of source.summary().skipped) {
      look.faults.add("unreadable-photo", `${name}/${file}`, reason);
    }
    const sizes = look.photos ? await sizesOf(source, `looking at the photos of ${name}`, look) : null;
    splits.push({
      name,
      use,
      photos: photos.length,
      official: officialPhotos(set, use),
      shortSides:
        sizes === null ? null : spread([...sizes.values()].map(([height, width]) => Math.min(height, width))),
      perClass: spread(counts),
      objects: null,
    });
  }
  return { classes: set.classes, splits };
}

async function checkAnnotated(set: AnnotatedSet, look: Look): Promise<Found> {
  const splits: SplitReport[] = [];
  let classes: readonly string[] = [];
  for (const { name, use, read } of set.splits) {
    if (look.signal?.aborted === true) throw stopped();
    const found = await read(look.faults, { signal: look.signal });
    const names = found.categories.map((category) => category.name);
    if (names.length > classes.length) classes = names;
    if (found.photos.length === 0) look.faults.add("no-photos", name, "Expected photos, got none.");
    if (look.photos) await compareSizes(found, name, look);
    splits.push({
      name,
      use,
      photos: found.photos.length,
      official: officialPhotos(set, name),
      shortSides: spread(found.photos.map(({ height, width }) => Math.min(height, width))),
      perClass: null,
      objects: countObjects(found, set.official?.splits[name]?.objects ?? null),
    });
  }
  return { classes, splits };
}

const stopped = () => new InterruptedError("Stopped; nothing was written.");

/** Height and width of each readable photo of a source, by name; the others are faults. */
async function sizesOf(
  source: ImageSource,
  what: string,
  { faults, signal, report }: Look,
): Promise<Map<string, readonly [height: number, width: number]>> {
  const sizes = new Map<string, readonly [number, number]>();
  let done = 0;
  for await (const image of source.images()) {
    if (signal?.aborted === true) throw stopped();
    try {
      const { height, width } = await readUprightSize(await image.read());
      sizes.set(image.name, [height, width]);
    } catch (error) {
      const reason = messageOf(error);
      faults.add("unreadable-photo", `photo ${image.name}`, reason.split("\n")[0]);
    } finally {
      image.release();
    }
    report({ kind: "progress", what, done: ++done, total: source.expected ?? null });
  }
  return sizes;
}

async function compareSizes({ path, photos }: AnnotatedPhotos, split: string, look: Look): Promise<void> {
  const files = photos.map(({ name }) => ({ name, label: -1 }));
  const source = openFileList({ path, files, classes: [] });
  const sizes = await sizesOf(source, `looking at the photos of ${split}`, look);
  for (const { id, name, height, width } of photos) {
    const size = sizes.get(name);
    if (size === undefined || (size[0] === height && size[1] === width)) continue;
    const said = `${width} x ${height} pixels as its annotation says`;
    look.faults.add(
      "other-size",
      `photo ${id} (${join(path, name)})`,
      `Expected ${said}, got ${size[1]} x ${size[0]}.`,
    );
  }
}

function countObjects({ photos, categories }: AnnotatedPhotos, official: number | null): ObjectCounts {
  const counts = {
    objects: 0,
    masks: 0,
    crowds: 0,
    difficult: 0,
    photosWithout: 0,
    small: 0,
    medium: 0,
    large: 0,
  };
  const seen = new Set<number>();
  for (const { objects } of photos) {
    if (objects.length === 0) counts.photosWithout++;
    for (const { category, area, segmentation, isCrowd, isDifficult } of objects) {
      counts.objects++;
      seen.add(category);
      if (segmentation !== null) counts.masks++;
      if (isCrowd) counts.crowds++;
      if (isDifficult) counts.difficult++;
      if (area < 32 ** 2) counts.small++;
      else if (area < 96 ** 2) counts.medium++;
      else counts.large++;
    }
  }
  const unseen = categories.filter((_, position) => !seen.has(position)).map(({ name }) => name);
  return { ...counts, official, unseen };
}

function spread(numbers: readonly number[]): Spread | null {
  if (numbers.length === 0) return null;
  const sorted = Float64Array.from(numbers).sort();
  return { least: sorted[0], median: sorted[Math.floor(sorted.length / 2)], most: sorted[sorted.length - 1] };
}
