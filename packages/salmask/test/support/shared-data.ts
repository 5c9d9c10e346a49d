import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryFolder } from "./photos.js";

/** Optional archives of real photos, beside the repository. */
const folder = resolve(import.meta.dirname, "../../../../../shared/data");

/** Whether an archive exists; if not, says so on standard error, because its tests are skipped. */
export function hasShared(name: string): boolean {
  const found = existsSync(join(folder, `${name}.tar.gz`));
  if (!found)
    console.warn(`SKIPPED: no ${name}.tar.gz in ${folder}, so the tests on real photos are left out`);
  return found;
}

/** Unpacks an archive, or its entries that match `members`, into a folder that is removed when the test ends. */
export async function unpackShared(name: string, members: readonly string[] = []): Promise<string> {
  const into = await temporaryFolder();
  const some = members.length === 0 ? [] : ["--wildcards", ...members];
  execFileSync("tar", ["xzf", join(folder, `${name}.tar.gz`), "-C", into, ...some]);
  return join(into, name);
}
