import { type Report, silent } from "../../base/events.js";
import type { SkippedImage } from "../sources/image-source.js";
import type { PackedDataset } from "../store/dataset.js";
import { type OpenPhotos, openPhotos } from "../store/open-photos.js";
import type { Mixing } from "./epoch-plan.js";
import { findShards } from "./find-shards.js";
import { openShards } from "./open-shards.js";
import type { Share } from "./share.js";

export interface OpenToTrain extends OpenPhotos, Mixing {
  /** Decides by which photos of shards broken ones are replaced. */
  readonly seed: number;
  /** The part of each batch that this process shows, of shards. Default: all of it. */
  readonly share?: Share;
  readonly report?: Report;
}

/** Photos to train from: shards as a stream, all others packed. */
export async function openToTrain(photos: string, options: OpenToTrain): Promise<PackedDataset> {
  const shards = await findShards(photos);
  if (shards === null) return openPhotos(photos, options);
  const { crop, size = "auto", cache, openShards: atOnce, shuffleBuffer, seed, share, signal } = options;
  const { report = silent } = options;
  const onBroken = ({ name, reason }: SkippedImage) =>
    report({
      kind: "warning",
      code: "photo-replaced",
      message: `${name} cannot be decoded (${reason}); another photo is shown in its place`,
    });
  return openShards(shards, {
    size,
    crop,
    cacheDir: cache,
    openShards: atOnce,
    shuffleBuffer,
    seed,
    share,
    signal,
    onProgress: ({ done, total }) =>
      report({ kind: "progress", what: "looking through shards", done, total }),
    onBroken,
  });
}
