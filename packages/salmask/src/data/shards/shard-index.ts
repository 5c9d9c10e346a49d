/** What is in a shard: where each photo lies, and its class. Made in one pass over the headers. */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import { cleanName, kindOf, MAX_SKIPPED, tooManySkipped } from "../sources/archive.js";
import type { SkippedImage } from "../sources/image-source.js";
import { countUp, extensionOf } from "../sources/names.js";
import { classIn, LABEL_FILES, type LabelFile, LONGEST_LABEL_FILE } from "./label.js";
import type { ShardFile } from "./shard-file.js";
import { tarMembers } from "./tar-members.js";

/** Larger photos are skipped, so that what waits to be shown stays small. */
export const LARGEST_PHOTO = 2 ** 26;

/** The photos of a shard, `[n]` each, in the order in which they lie. */
export interface ShardIndex {
  /** Path in the shard, with `/`. */
  readonly names: readonly string[];
  /** Where the file begins, in bytes from the shard's start. */
  readonly offsets: readonly number[];
  /** Of the file. */
  readonly bytes: readonly number[];
  /** Place in `classes`, -1 where no file says the class. */
  readonly labels: readonly number[];
  /** As the files beside the photos say them, in the order in which they were found. */
  readonly classes: readonly string[];
  readonly skipped: readonly SkippedImage[];
  /** Counts of files that are neither photos nor classes, by extension. */
  readonly others: readonly (readonly [string, number])[];
}

interface Sample {
  photo: {
    readonly name: string;
    readonly ending: string;
    readonly offset: number;
    readonly size: number;
  } | null;
  /** By the kind of file. */
  readonly classes: Partial<Record<LabelFile, string>>;
}

/**
 * Looks through a shard. Files whose names are equal up to the first dot of their last part are one sample (the WebDataset
 * layout): its photo is the one with one ending (`name.jpg` before `name.mask.png`), and the first of several. Throws a DataError:
 * `damaged-archive`, `unreadable-images`, and what reading throws.
 */
export async function indexShard(file: ShardFile, signal?: AbortSignal): Promise<ShardIndex> {
  const samples = new Map<string, Sample>();
  const skipped: SkippedImage[] = [];
  const others = new Map<string, number>();
  const skip = (name: string, reason: string) => {
    skipped.push({ name, reason });
    if (skipped.length > MAX_SKIPPED) throw tooManySkipped(file.address, { name, reason });
  };
  for await (const member of tarMembers(file, signal)) {
    const name = cleanName(member.name);
    const kind = kindOf(member, name);
    if (kind === undefined) continue;
    const { key, ending } = partsOf(name);
    if (kind === "read") {
      const reason = whyNotUsed(member.size);
      if (reason !== undefined) skip(name, reason);
      else {
        const photo = { name, ending, offset: member.offset, size: member.size };
        const left = place(sampleOf(samples, key), photo);
        if (left !== null) skip(left.name, `Expected one photo for ${key}, got another beside it.`);
      }
    } else if (kind.kind === "skipped") skip(name, kind.reason);
    else {
      const label = LABEL_FILES.find((each) => each === ending);
      if (label === undefined) countUp(others, extensionOf(name));
      else if (member.size <= LONGEST_LABEL_FILE) {
        const found = classIn(label, await member.content());
        if (found !== null) sampleOf(samples, key).classes[label] = found;
      }
    }
  }
  return indexOf(samples, skipped, others);
}

function whyNotUsed(size: number): string | undefined {
  if (size === 0) return "Expected the content of a photo, got an empty file.";
  return size > LARGEST_PHOTO ? `Expected at most ${LARGEST_PHOTO} bytes, got ${size}.` : undefined;
}

function partsOf(name: string): { key: string; ending: string } {
  const base = posix.basename(name);
  const dot = base.indexOf(".", 1);
  if (dot < 0) return { key: name, ending: "" };
  return { key: name.slice(0, name.length - base.length + dot), ending: base.slice(dot + 1).toLowerCase() };
}

function sampleOf(samples: Map<string, Sample>, key: string): Sample {
  const found = samples.get(key) ?? { photo: null, classes: {} };
  samples.set(key, found);
  return found;
}

/** Gives a sample its photo. Returns the one that is left out, if there are two. */
function place(sample: Sample, photo: NonNullable<Sample["photo"]>): Sample["photo"] {
  const before = sample.photo;
  const isBetter = before === null || (before.ending.includes(".") && !photo.ending.includes("."));
  if (!isBetter) return photo;
  sample.photo = photo;
  return before;
}

function indexOf(
  samples: ReadonlyMap<string, Sample>,
  skipped: readonly SkippedImage[],
  others: ReadonlyMap<string, number>,
): ShardIndex {
  const places = new Map<string, number>();
  const found = [...samples.values()].flatMap(({ photo, classes }) => {
    if (photo === null) return [];
    const kind = LABEL_FILES.find((each) => classes[each] !== undefined);
    const name = kind === undefined ? undefined : classes[kind];
    if (name !== undefined && !places.has(name)) places.set(name, places.size);
    return [{ ...photo, label: name === undefined ? -1 : (places.get(name) ?? -1) }];
  });
  found.sort((a, b) => a.offset - b.offset);
  return {
    names: found.map(({ name }) => name),
    offsets: found.map(({ offset }) => offset),
    bytes: found.map(({ size }) => size),
    labels: found.map(({ label }) => label),
    classes: [...places.keys()],
    skipped,
    others: [...others],
  };
}

/** A hash of which photos and classes a shard has, the same wherever it lies. */
export function hashOfIndex({ names, offsets, bytes, labels, classes }: ShardIndex): string {
  return createHash("sha256")
    .update(JSON.stringify([names, offsets, bytes, labels, classes]))
    .digest("hex");
}
