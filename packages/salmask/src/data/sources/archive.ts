import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { DataError, messageOf } from "../../base/errors.js";
import { whyNotDecoded } from "../../image/formats.js";
import {
  type ImageSource,
  MAX_FILE_BYTES,
  readingBudget,
  type SkippedImage,
  type SourceImage,
  type SourceSummary,
} from "./image-source.js";
import { countUp, extensionOf, isImageName } from "./names.js";

/**
 * Files without content need almost no space in an archive, so a hostile archive could fill the memory with their
 * names. An archive with more unusable files than this is refused.
 */
export const MAX_SKIPPED = 100_000;

const LONGEST_NAME = 4096;

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

/** `./a/../b.jpg` and `/b.jpg` to `b.jpg`. Names are only labels: nothing is ever written to these paths. */
export function cleanName(name: string): string {
  return posix.normalize(name).replace(/^(\.{0,2}\/)+/, "");
}

function isHidden(name: string): boolean {
  return name.split("/").some((part) => part.startsWith("."));
}

/** The result of reading an archive entry. */
type Entry =
  | { readonly kind: "image"; readonly name: string; readonly image: SourceImage }
  | { readonly kind: "skipped"; readonly name: string; readonly reason: string }
  | { readonly kind: "other"; readonly name: string };

/** The kind of an entry from its header alone; undefined for entries that need no report: folders and hidden files. */
export function kindOf(
  { type, linkname, size }: Pick<Header, "type" | "linkname" | "size">,
  name: string,
): Exclude<Entry, { readonly kind: "image" }> | "read" | undefined {
  if (isHidden(name) || name === "") return undefined;
  if (name.length > LONGEST_NAME) {
    const reason = `Expected a name of at most ${LONGEST_NAME} characters, got ${name.length}.`;
    return { kind: "skipped", name: `${name.slice(0, 80)}...`, reason };
  }
  if (type === "symlink" || type === "link") {
    const target = (linkname ?? "").slice(0, LONGEST_NAME);
    const reason = `Expected a file or a folder, got a link to ${target}. Pack with tar --dereference --hard-dereference.`;
    return { kind: "skipped", name, reason };
  }
  if (type !== "file" && type !== "contiguous-file") return undefined;
  const reason = whyNotDecoded(extensionOf(name));
  if (reason !== undefined) return { kind: "skipped", name, reason };
  if (!isImageName(name)) return { kind: "other", name };
  if ((size ?? 0) <= MAX_FILE_BYTES) return "read";
  return { kind: "skipped", name, reason: `Expected at most ${MAX_FILE_BYTES} bytes, got ${size}.` };
}

/**
 * An archive of a folder of photos, read once from start to end without unpacking it. Links in it are skipped. Its
 * identity is the path, size in bytes and modification time.
 */
export async function openArchive(path: string): Promise<ImageSource> {
  const { size, mtimeMs } = await stat(path);
  let summary: SourceSummary = { commonFolder: "", skipped: [], others: new Map() };
  return {
    path,
    identity: ["archive", path, size, mtimeMs].join("\n"),
    expected: undefined,
    async *images(signal) {
      const others = new Map<string, number>();
      const skipped: SkippedImage[] = [];
      let commonFolder: string | undefined;
      for await (const entry of readFiles(path, signal)) {
        const { name } = entry;
        const folder = name.slice(0, name.indexOf("/") + 1);
        commonFolder = commonFolder === undefined || commonFolder === folder ? folder : "";
        if (entry.kind === "image") yield entry.image;
        else if (entry.kind === "other") countUp(others, extensionOf(name));
        else skipped.push({ name, reason: entry.reason });
        if (skipped.length > MAX_SKIPPED) throw tooManySkipped(path, skipped[0]);
      }
      summary = { commonFolder: commonFolder ?? "", skipped, others };
    },
    summary: () => summary,
  };
}

/** The error for an archive with more than {@link MAX_SKIPPED} unusable files. */
export function tooManySkipped(path: string, { name, reason }: SkippedImage): DataError {
  return new DataError(
    "unreadable-images",
    `Expected at most ${MAX_SKIPPED} files that cannot be used in ${path}, got more, such as ${name}: ${reason} ` +
      "Pack the photos alone.",
  );
}

async function* readFiles(path: string, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
  const gzip = await isGzip(path);
  const entries = extract();
  const fail = (error: Error) => entries.destroy(error);
  const file = createReadStream(path, { signal }).on("error", fail);
  const packed = gzip ? file.pipe(createGunzip().on("error", fail)) : file;
  packed.pipe(entries);
  try {
    for await (const entry of entries) {
      const name = cleanName(entry.header.name);
      const found = kindOf(entry.header, name);
      if (found === "read") {
        const release = await readingBudget.acquire(entry.header.size ?? 0);
        let content: Buffer;
        try {
          content = await buffer(entry);
        } catch (error) {
          release();
          throw error;
        }
        yield { kind: "image", name, image: { name, read: async () => content, release } };
      } else {
        entry.resume();
        if (found !== undefined) yield found;
      }
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    const reason = messageOf(error);
    throw new DataError(
      "damaged-archive",
      `Expected a whole tar archive at ${path}, got: ${reason}. Copy or download it again.`,
      error,
    );
  } finally {
    file.destroy();
    entries.destroy();
  }
}
