/** The location of the packed caches. */
import { homedir } from "node:os";
import { join } from "node:path";

/** Prefix of the folders in which a cache is being built. */
export const TEMPORARY_PREFIX = ".building-";

/** The folder of all caches: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
export function defaultCacheDir(): string {
  return process.env.SALMASK_CACHE || join(homedir(), ".cache", "salmask");
}
