import { type Report, silent } from "../../base/events.js";
import type { ImageSource } from "../sources/image-source.js";
import { openDataset, type PackedDataset } from "./dataset.js";

export interface OpenPhotos {
  /** Side of the crops that the run will use, in pixels. */
  readonly crop: number;
  /** Side of the stored squares in pixels; auto: somewhat larger than the crop. */
  readonly size?: number | "auto";
  /** Folder of all caches. */
  readonly cache?: string;
  /** Fewer photos are refused. Default: 2, as contrasting needs. */
  readonly least?: number;
  /** Aborting stops the decoding with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** {@link openDataset} for a task: what it does is reported as events. */
export function openPhotos(from: string | ImageSource, options: OpenPhotos): Promise<PackedDataset> {
  const { crop, size = "auto", cache, least, signal, report = silent } = options;
  return openDataset(from, {
    size,
    crop,
    cacheDir: cache,
    least,
    signal,
    onProgress: ({ done, total = null }) => report({ kind: "progress", what: "decoding", done, total }),
    onRebuild: ({ folder, reason }) =>
      report({
        kind: "warning",
        code: "cache-rebuilt",
        message: `the stored photos in ${folder} are not used (${reason}); all are decoded again`,
      }),
  });
}
