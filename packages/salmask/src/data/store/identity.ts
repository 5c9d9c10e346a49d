/** Identifies photos: by their contents, which requires reading all of them, or by their paths and modification times. */
import { createHash } from "node:crypto";
import { CACHE_VERSION, sha256 } from "./index-file.js";

/** Used by versions that did not compare contents. Never increased, because checkpoints contain stamps with this number. */
const STAMP_VERSION = 1;

function digest(version: number, size: number, identity: string): string {
  return sha256([version, size, identity].join("\n")).slice(0, 32);
}

/** Name of the cache folder for a source and a size in pixels. Quick to compute; it changes when a file's time changes. */
export function cacheKey(size: number, sourceIdentity: string): string {
  return digest(CACHE_VERSION, size, sourceIdentity);
}

/** See `Samples.sourceStamp`. */
export function sourceStamp(size: number, sourceIdentity: string): string {
  return digest(STAMP_VERSION, size, sourceIdentity);
}

/** See `Samples.fingerprint`. The photos are in the order of their names; `content` is the SHA-256 of a file. */
export function contentFingerprint(
  size: number,
  photos: readonly { readonly name: string; readonly content: string }[],
): string {
  const hash = createHash("sha256").update(`photos\n${size}\n`);
  for (const { name, content } of photos) hash.update(`${JSON.stringify([name, content])}\n`);
  return hash.digest("hex").slice(0, 32);
}
