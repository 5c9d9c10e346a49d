import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { DataError } from "../../base/errors.js";
import { countUp, extensionOf, isImageName } from "./names.js";
import type { ImageSource, SourceImage, SourceSummary } from "./source.js";

/** A file of an archive is held in memory as a whole; larger ones are skipped. */
const MAX_ENTRY_BYTES = 2 ** 29;

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(2);
    await file.read(head, 0, 2, 0);
    return head.readUInt16BE(0) === 0x1f8b;
  } finally {
    await file.close();
  }
}

/** `./a/../b.jpg` and `/b.jpg` to `b.jpg`. Names are labels: nothing is ever written to them. */
function cleanName(name: string): string {
  return posix.normalize(name).replace(/^(\.{0,2}\/)+/, "");
}

function isHidden(name: string): boolean {
  return name.split("/").some((part) => part.startsWith("."));
}

/**
 * An archive of a folder of photos, read once from start to end without unpacking it; links in it are left out.
 * Its identity is the path, size in bytes and time of modification.
 */
export async function openArchive(path: string): Promise<ImageSource> {
  const { size, mtimeMs } = await stat(path);
  let summary: SourceSummary = { commonFolder: "", skipped: [], others: new Map() };
  return {
    path,
    identity: ["archive", path, size, mtimeMs].join("\n"),
    expected: undefined,
    async *images() {
      const others = new Map<string, number>();
      let commonFolder: string | undefined;
      for await (const { name, image } of readFiles(path)) {
        const folder = name.slice(0, name.indexOf("/") + 1);
        commonFolder = commonFolder === undefined || commonFolder === folder ? folder : "";
        if (image === undefined) countUp(others, extensionOf(name));
        else yield image;
      }
      summary = { commonFolder: commonFolder ?? "", skipped: [], others };
    },
    summary: () => summary,
  };
}

async function* readFiles(path: string): AsyncGenerator<{ name: string; image: SourceImage | undefined }> {
  const gzip = await isGzip(path);
  const entries = extract();
  const fail = (error: Error) => entries.destroy(error);
  const file = createReadStream(path).on("error", fail);
  const packed = gzip ? file.pipe(createGunzip().on("error", fail)) : file;
  packed.pipe(entries);
  try {
    for await (const entry of entries) {
      const name = cleanName(entry.header.name);
      const isFile = entry.header.type === "file" || entry.header.type === "contiguous-file";
      const bytes = entry.header.size ?? 0;
      if (!isFile || isHidden(name) || !isImageName(name) || bytes > MAX_ENTRY_BYTES) {
        entry.resume();
        if (!isFile || isHidden(name)) continue;
        const read = async () => {
          throw new Error(`expected at most ${MAX_ENTRY_BYTES} bytes, but the file has ${bytes}`);
        };
        yield { name, image: isImageName(name) ? { name, read } : undefined };
      } else {
        const content = await buffer(entry);
        yield { name, image: { name, read: async () => content } };
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError("damaged-archive", `expected a whole tar archive at ${path}, but: ${reason}`, error);
  } finally {
    file.destroy();
    entries.destroy();
  }
}
