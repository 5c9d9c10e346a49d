/** Photos whose files are the same, byte for byte. */
import { createHash } from "node:crypto";
import { openSource } from "../../data/sources/source.js";
import type { PhotoContent } from "../../image/decode.js";

export interface SameBytesOptions {
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onFile?: (done: number, total: number | null) => void;
}

/**
 * The names of files with the same bytes, two or more in a list, from every readable picture of a folder or an archive. Throws DataError
 * and, when aborted, the signal's reason.
 */
export async function sameBytes(
  path: string,
  { signal, onFile = () => {} }: SameBytesOptions = {},
): Promise<string[][]> {
  const source = await openSource(path);
  const names = new Map<string, string[]>();
  let done = 0;
  for await (const image of source.images(signal)) {
    try {
      const hash = digest(await image.read());
      names.set(hash, [...(names.get(hash) ?? []), image.name]);
    } catch {
      // Embedding the photos has told why the file cannot be read.
    } finally {
      image.release();
    }
    onFile(++done, source.expected ?? null);
  }
  const { commonFolder } = source.summary();
  return [...names.values()]
    .filter((same) => same.length > 1)
    .map((same) => same.map((name) => withoutFolder(name, commonFolder)));
}

const withoutFolder = (name: string, folder: string) =>
  name.startsWith(folder) ? name.slice(folder.length) : name;

function digest(content: PhotoContent): string {
  const hash = createHash("sha256");
  if (Buffer.isBuffer(content)) return hash.update(content).digest("hex");
  const { data, width, height } = content;
  return hash.update(`pixels\n${width}\n${height}\n`).update(data).digest("hex");
}
