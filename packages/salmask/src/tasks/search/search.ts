/** The photos that are most like others. */
import { join } from "node:path";
import { type Compute, onCpu } from "../../compute/compute.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import { NearestRows } from "../../metrics/nearest.js";
import type { LookOptions } from "../embed/embed.js";
import { openEncoder } from "../embed/encoder.js";
import { embedQueries, openEmbeddings } from "../embed/open.js";
import type { PhotoEmbeddings } from "../embed/photo-embeddings.js";

/** What `search` looks for, where, and how. */
export interface SearchOptions extends Omit<LookOptions, "size"> {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  /** A photo, or a folder or an archive of photos: what is looked for. */
  readonly query: string;
  /** Folder or archive of photos, or the `.npy` that `embed` wrote of one: where it is looked for. */
  readonly among: string;
  /** Neighbours of each query. */
  readonly count: number;
  /** Where the encoder computes; default: the CPU in float32. */
  readonly compute?: Compute;
}

/** A photo that was found. */
export interface Neighbour {
  /** Relative to the source that was searched, with `/`. */
  readonly path: string;
  /** Cosine of the two photos' embeddings, -1 to 1. */
  readonly similarity: number;
}

/** A photo that was asked about, and what was found for it. */
export interface FoundPhoto {
  /** Relative to the source of the queries, with `/`. */
  readonly query: string;
  /** The nearest first. */
  readonly neighbours: readonly Neighbour[];
}

/** Photos of a source, and the side of their stored squares in pixels. */
export interface PhotoSource {
  /** Absolute path. */
  readonly path: string;
  readonly size: number;
}

/** What `search` found. */
export interface SearchResult {
  readonly queries: PhotoSource;
  readonly searched: PhotoSource;
  readonly found: readonly FoundPhoto[];
  /** Pictures of both sources that were left out. */
  readonly skipped: readonly SkippedImage[];
}

/**
 * The nearest photos of each query by the cosine of their embeddings: all are compared. A query that is itself among the photos is not
 * its own neighbour. Throws DataError, CheckpointError, InterruptedError.
 */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const { run, query, among, count, compute = onCpu, ...look } = options;
  using encoder = await openEncoder(run, compute);
  using bank = await openEmbeddings(encoder, among, look);
  using asked = await embedQueries(encoder, query, { ...look, size: bank.size });
  return {
    queries: sourceOf(asked),
    searched: sourceOf(bank),
    found: nearest(asked, bank, count),
    skipped: [...bank.skipped, ...asked.skipped],
  };
}

const sourceOf = ({ source, size }: PhotoEmbeddings): PhotoSource => ({ path: source, size });

/** The `count` nearest photos of a bank for each photo of `asked`. */
export function nearest(asked: PhotoEmbeddings, bank: PhotoEmbeddings, count: number): FoundPhoto[] {
  using index = new NearestRows(bank.vectors);
  const { rows, cosines } = index.find(asked.vectors, count + 1);
  return asked.paths.map((path, q) => {
    const own = join(asked.source, path);
    const neighbours = rows[q]
      .map((row, i) => ({ path: bank.paths[row], similarity: cosines[q][i] }))
      .filter((neighbour) => join(bank.source, neighbour.path) !== own);
    return { query: path, neighbours: neighbours.slice(0, count) };
  });
}
