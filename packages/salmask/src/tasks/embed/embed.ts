/** Embeddings of photos by an encoder. */
import { fromTypedArray, keep, noGrad, scope, type Tensor } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import type { Compute } from "../../compute/compute.js";
import type { SkippedImage } from "../../data/sources/image-source.js";
import { warnOfLeftOut } from "../../data/sources/left-out.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { openPhotos } from "../../data/store/open-photos.js";
import { extractFeatures } from "../probe/features.js";
import { type OpenEncoder, openEncoder } from "./encoder.js";
import type { PhotoEmbeddings } from "./photo-embeddings.js";

export interface LookOptions {
  /** Folder of the packed photos. */
  readonly cache?: string;
  /** Side of the stored squares in pixels; default: somewhat larger than what the encoder sees. */
  readonly size?: number;
  /** Aborting ends the work with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** What `embed` looks at, and how. */
export interface EmbedOptions extends LookOptions {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  /** Folder, `.tar` or `.tar.gz` of photos. */
  readonly photos: string;
  /** Where the encoder computes; default: the CPU in float32. */
  readonly compute?: Compute;
}

const batchSize = 256;

/**
 * The embeddings of photos: an encoder's pooled features of their central crops, prepared as in its training. Pictures that cannot be
 * decoded, and photos whose features are not finite, are left out and named in `skipped`. Throws DataError, CheckpointError,
 * InterruptedError.
 */
export async function embed({ run, photos, compute, ...options }: EmbedOptions): Promise<PhotoEmbeddings> {
  using encoder = await openEncoder(run, compute);
  return await embedWith(encoder, photos, options);
}

/** {@link embed} with an encoder that is open. */
export async function embedWith(
  encoder: OpenEncoder,
  photos: string,
  { cache, size, signal, report }: LookOptions,
): Promise<PhotoEmbeddings> {
  const { crop } = encoder;
  const dataset = await openPhotos(photos, { crop, size, cache, least: 1, signal, report });
  try {
    return await embedDataset(encoder, dataset, { signal, report });
  } finally {
    dataset.close();
  }
}

/** {@link embed} of photos that are open; the caller closes them. */
export async function embedDataset(
  { backbone, crop, fill, compute, weights }: OpenEncoder,
  dataset: PackedDataset,
  { signal, report = silent }: Pick<LookOptions, "signal" | "report">,
): Promise<PhotoEmbeddings> {
  const features = await extractFeatures(backbone, dataset, {
    crop,
    fill,
    batchSize,
    compute,
    signal,
    onProgress: ({ done, total }) => report({ kind: "progress", what: "embedding", done, total }),
  }); // [photos, d]
  const finite = finiteRows(features);
  const broken = dataset.names.filter((_, id) => finite[id] === 0).map(notFinite);
  const skipped = [...dataset.skipped, ...broken];
  warnOfLeftOut(skipped, report);
  if (broken.length === dataset.length) {
    features.dispose();
    throw new DataError(
      "not-finite",
      `Expected finite features of the photos in ${dataset.path}, got NaN or infinity for each. The encoder's weights are of no use.`,
    );
  }
  const vectors = broken.length === 0 ? features : rowsWhere(features, finite); // [N, d]
  return {
    source: dataset.path,
    paths: dataset.names.filter((_, id) => finite[id] !== 0),
    vectors,
    skipped,
    weights,
    size: dataset.size,
    [Symbol.dispose]: () => vectors.dispose(),
  };
}

const notFinite = (name: string): SkippedImage => ({
  name,
  reason: "Expected finite features, got NaN or infinity.",
});

/** `[N, d]` to `[N]`: 1 where a row has neither NaN nor infinity. */
function finiteRows(features: Tensor): ArrayLike<number | bigint> {
  return scope(() =>
    noGrad(() =>
      features
        .abs()
        .amax({ dim: [1] })
        .isfinite()
        .toTypedArray(),
    ),
  );
}

/** Frees `features` `[N, d]` and gives the rows where `wanted` is not 0. */
function rowsWhere(features: Tensor, wanted: ArrayLike<number | bigint>): Tensor {
  const ids = Int32Array.from({ length: wanted.length }, (_, id) => id).filter((id) => wanted[id] !== 0);
  const rows = scope(() => keep(features.indexSelect(0, fromTypedArray(ids, [ids.length])))); // [ids, d]
  features.dispose();
  return rows;
}
