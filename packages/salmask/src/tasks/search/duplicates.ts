/** Photos that show the same picture: the same bytes, or embeddings that are nearly the same. */
import { DisjointSets } from "../../base/disjoint-sets.js";
import { DataError, InterruptedError } from "../../base/errors.js";
import { silent } from "../../base/events.js";
import { type Compute, onCpu } from "../../compute/compute.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import { NearestRows } from "../../metrics/nearest.js";
import type { LookOptions } from "../embed/embed.js";
import { openEncoder } from "../embed/encoder.js";
import { openEmbeddings } from "../embed/open.js";
import type { PhotoEmbeddings } from "../embed/photo-embeddings.js";
import { sameBytes } from "./same-bytes.js";
import type { PhotoSource } from "./search.js";

/** What `findDuplicates` looks at, and how. */
export interface DuplicatesOptions extends Omit<LookOptions, "size"> {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  /** Folder or archive of photos, or the `.npy` that `embed` wrote of one. */
  readonly photos: string;
  /** Similarity from which two photos are duplicates, 0 to 1; default: 0.995. */
  readonly threshold?: number;
  /** Where the encoder computes; default: the CPU in float32. */
  readonly compute?: Compute;
}

/** A photo of a group. */
export interface Duplicate {
  /** Relative to the source, with `/`. */
  readonly path: string;
  /** The largest similarity to another photo of the group, -1 to 1. */
  readonly similarity: number;
  /** Number of the set of photos in this group whose files are the same byte for byte; null if no other is the same. */
  readonly identical: number | null;
}

/** What `findDuplicates` found. */
export interface DuplicatesResult {
  readonly source: PhotoSource;
  readonly threshold: number;
  /** The largest first; each in the order of the paths. */
  readonly groups: readonly (readonly Duplicate[])[];
  readonly skipped: readonly SkippedImage[];
}

/** For small encoders; scripts/measure-duplicates.ts says what others find. */
export const usualThreshold = 0.995;

/** Pairs for each photo, beyond which they are not duplicates but an encoder that tells photos apart badly. */
const mostPairsEach = 100;

/**
 * Groups of photos that are linked by duplicates: two photos are, if their files are equal, or if the cosine of their embeddings is
 * at least the threshold. Throws DataError (`too-similar` where there are more than a hundred pairs a
 * photo), CheckpointError, InterruptedError.
 */
export async function findDuplicates(options: DuplicatesOptions): Promise<DuplicatesResult> {
  const { run, photos, threshold = usualThreshold, compute = onCpu, ...look } = options;
  const { signal, report = silent } = look;
  using encoder = await openEncoder(run, compute);
  using embeddings = await openEmbeddings(encoder, photos, look);
  const pairs = await linkedPairs(embeddings, threshold, look);
  const identical = await sameBytes(embeddings.source, {
    signal,
    onFile: (done, total) => report({ kind: "progress", what: "comparing bytes", done, total }),
  }).catch((error: unknown) => {
    throw signal?.aborted === true ? stopped() : error;
  });
  const { source, size, skipped } = embeddings;
  return {
    source: { path: source, size },
    threshold,
    groups: groupsOf(embeddings.paths, pairs, identical),
    skipped,
  };
}

const stopped = () => new InterruptedError("Stopped before all photos were compared.");

/** Pairs of rows, and their similarities. */
interface Links {
  readonly first: number[];
  readonly second: number[];
  readonly similarity: number[];
}

async function linkedPairs(
  { vectors, source }: Pick<PhotoEmbeddings, "vectors" | "source">,
  threshold: number,
  { signal, report = silent }: LookOptions,
): Promise<Links> {
  using index = new NearestRows(vectors);
  const links: Links = { first: [], second: [], similarity: [] };
  for (const { pairs, done } of index.pairs(threshold)) {
    for (const { first, second, cosine } of pairs) {
      links.first.push(first);
      links.second.push(second);
      links.similarity.push(cosine);
    }
    if (links.first.length > mostPairsEach * index.length) throw tooSimilar(source, threshold);
    report({ kind: "progress", what: "comparing", done, total: index.length });
    // Lets signal handlers and timers run.
    await new Promise(setImmediate);
    if (signal?.aborted === true) throw stopped();
  }
  return links;
}

function tooSimilar(source: string, threshold: number): DataError {
  return new DataError(
    "too-similar",
    `Expected few photos of ${source} to be alike, got more than ${mostPairsEach} pairs a photo from the similarity ${threshold}. ` +
      "Give a higher --threshold; or the encoder tells photos apart badly: salmask doctor RUN",
  );
}

function groupsOf(
  paths: readonly string[],
  { first, second, similarity }: Links,
  identical: readonly (readonly string[])[],
): Duplicate[][] {
  const sets = new DisjointSets(paths.length);
  const nearest = new Float64Array(paths.length).fill(-1);
  const note = (row: number, value: number) => {
    nearest[row] = Math.max(nearest[row], value);
  };
  for (const [i, row] of first.entries()) {
    sets.join(row, second[i]);
    for (const each of [row, second[i]]) note(each, similarity[i]);
  }
  const rows = new Map(paths.map((path, row) => [path, row]));
  const setOf = new Map<number, number>();
  for (const [number, names] of identical.entries()) {
    const same = names.flatMap((name) => rows.get(name) ?? []);
    if (same.length < 2) continue;
    for (const row of same) {
      sets.join(same[0], row);
      setOf.set(row, number);
      note(row, 1);
    }
  }
  const groups = sets.groups().map((group) => {
    const numbers = new Map<number, number>();
    return group.map((row) => {
      const set = setOf.get(row);
      if (set !== undefined && !numbers.has(set)) numbers.set(set, numbers.size + 1);
      const identical = set === undefined ? null : (numbers.get(set) ?? null);
      return { path: paths[row], similarity: nearest[row], identical };
    });
  });
  return groups.sort((a, b) => b.length - a.length);
}
