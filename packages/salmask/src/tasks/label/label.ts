/** Labels for photos, learned from a few examples. */
import { resolve } from "node:path";
import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { DataError, UsageError } from "../../base/errors.js";
import { type Compute, onCpu } from "../../compute/compute.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import { labelsOfFolders } from "../../data/store/describe-pack.js";
import { fastLinearDefaults, learnLinear, linearScores, scaleOf } from "../../metrics/linear-fast.js";
import { embedWith, type LookOptions } from "../embed/embed.js";
import { openEncoder } from "../embed/encoder.js";
import { openEmbeddings } from "../embed/open.js";
import type { PhotoEmbeddings } from "../embed/photo-embeddings.js";

/** What `labelPhotos` looks at, and how. */
export interface LabelOptions extends Omit<LookOptions, "size"> {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  /** Folder or archive of photos, or the `.npy` that `embed` wrote of one. Examples that lie in it are left out. */
  readonly photos: string;
  /** A folder with one folder of examples per class, of one photo or more each. */
  readonly examples: string;
  /** Where the encoder computes; default: the CPU in float32. */
  readonly compute?: Compute;
}

/** A photo and its likeliest class. */
export interface LabelledPhoto {
  /** Relative to the source, with `/`. */
  readonly path: string;
  readonly label: string;
  /** Of the class, by the classifier, 0 to 1. */
  readonly probability: number;
}

/** What `labelPhotos` says of the photos. */
export interface LabelResult {
  /** Absolute path of the photos. */
  readonly source: string;
  readonly classes: readonly string[];
  /** Examples of each class. */
  readonly examples: readonly number[];
  readonly labelled: readonly LabelledPhoto[];
  /** Pictures of both sources that were left out. */
  readonly skipped: readonly SkippedImage[];
}

/** With fewer examples of a class, held-out ones are too few to choose how strongly the classifier is regularised. */
const enoughToChoose = 50;
/** Taken where there are fewer; scripts/measure-label.ts compares it with others. */
const usualPenalty = 0.1;
/** Of the held-out examples that choose. */
const seed = 0;

/**
 * Learns a linear classifier on the embeddings of the examples, as the fast linear probe does, and gives each other photo its likeliest
 * class. Features are standardised by all photos, because a few examples tell little of how each feature varies. Throws UsageError
 * `no-classes`, DataError, CheckpointError, InterruptedError.
 */
export async function labelPhotos(options: LabelOptions): Promise<LabelResult> {
  const { run, photos, examples, compute = onCpu, ...look } = options;
  using encoder = await openEncoder(run, compute);
  using asked = await openEmbeddings(encoder, photos, look);
  using known = await embedWith(encoder, examples, { ...look, size: asked.size });
  const { classes, labels } = classesOf(known, examples);
  const isExample = liesIn(asked.source, resolve(examples));
  const rows = asked.paths.flatMap((path, row) => (isExample(path) ? [] : [row]));
  if (rows.length === 0) {
    throw new DataError("no-images", `Expected photos in ${photos} beside the examples, got none.`);
  }
  const { best, chances } = scope(() => noGrad(() => classify(known, labels, classes.length, asked, rows)));
  return {
    source: asked.source,
    classes,
    examples: classes.map((_, label) => labels.filter((other) => other === label).length),
    labelled: rows.map((row, i) => ({
      path: asked.paths[row],
      label: classes[best[i]],
      probability: chances[i],
    })),
    skipped: [...asked.skipped, ...known.skipped],
  };
}

function classesOf(
  { paths }: PhotoEmbeddings,
  examples: string,
): { classes: readonly string[]; labels: Int32Array } {
  const { classes, labelOf } = labelsOfFolders(paths);
  if (classes.length >= 2) return { classes, labels: Int32Array.from(paths, (path) => labelOf(path)) };
  throw new UsageError(
    "no-classes",
    `Expected a folder with one folder of photos per class, at least two, for --examples, got ${examples} with ${
      classes.length === 0 ? "photos that lie in no folder" : `the class ${classes[0]} alone`
    }.`,
  );
}

/** Whether a path of a source lies in a folder. */
function liesIn(source: string, folder: string): (path: string) => boolean {
  return (path) => `${source}/${path}`.startsWith(`${folder}/`);
}

/** The likeliest class of some rows, and its probability. */
function classify(
  { vectors: examples }: PhotoEmbeddings,
  labels: Int32Array,
  classes: number,
  { vectors }: PhotoEmbeddings,
  rows: readonly number[],
): { best: number[]; chances: number[] } {
  const scale = scaleOf(ops.cat([vectors, examples])); // of [N + M, d]
  const counts = Array.from({ length: classes }, (_, label) => labels.filter((l) => l === label).length);
  const penalties = Math.min(...counts) < enoughToChoose ? [usualPenalty] : fastLinearDefaults.penalties;
  const learned = learnLinear({ features: examples, labels }, classes, seed, {
    ...fastLinearDefaults,
    penalties,
    scale,
  });
  const ids = fromTypedArray(Int32Array.from(rows), [rows.length]);
  const asked: Tensor = vectors.indexSelect(0, ids); // [rows, d]
  const [chances, best] = linearScores(learned, asked).softmax(1).max(1); // [rows] each
  return { best: best.toArray(), chances: chances.toArray() };
}
