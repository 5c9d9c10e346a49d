import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { type Header, pack } from "tar-stream";
import { afterAll } from "vitest";

const made: string[] = [];

/** A new folder that is removed after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "salmask-data-"));
  made.push(folder);
  return folder;
}

afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

/** `[height, width, 3]`: four quarters in strong colours, so that every rotation and flip looks different. */
export function quarters(width: number, height: number): Uint8Array {
  const colours = [
    [220, 30, 40],
    [30, 200, 60],
    [40, 50, 210],
    [230, 220, 40],
  ];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colours[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)];
      pixels.set(colour, 3 * (y * width + x));
    }
  }
  return pixels;
}

/** `[height, width, 3]`: one colour that is different for each photo `i`. */
export function plain(i: number, width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  const colour = [(37 * i + 20) % 256, (91 * i + 60) % 256, (53 * i + 110) % 256];
  for (let at = 0; at < pixels.length; at += 3) pixels.set(colour, at);
  return pixels;
}

export function rgb(pixels: Uint8Array, width: number, height: number): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Writes files in a folder; makes the folders between. */
export async function writeFiles(root: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
}

/** A folder with two classes of three photos each, 12 x 10 pixels, and a cache folder beside it. */
export async function classFolder(): Promise<{ photos: string; cacheDir: string; names: string[] }> {
  const root = await temporaryFolder();
  const photos = join(root, "photos");
  const names = ["cat/0.png", "cat/1.png", "cat/more/2.png", "dog/3.png", "dog/4.png", "dog/5.png"];
  for (const [i, name] of names.entries()) {
    await writeFiles(photos, {
      [name]: await rgb(plain(i, 12, 10), 12, 10)
        .png()
        .toBuffer(),
    });
  }
  return { photos, cacheDir: join(root, "cache"), names };
}

export interface TarEntry {
  readonly name: string;
  readonly content?: Uint8Array;
  readonly type?: Header["type"];
}

export async function writeTar(path: string, entries: readonly TarEntry[], gzip = false): Promise<void> {
  const archive = pack();
  for (const { name, content, type } of entries) {
    archive.entry(
      { name, type: type ?? "file", linkname: type === "symlink" ? "/etc/passwd" : "" },
      Buffer.from(content ?? []),
    );
  }
  archive.finalize();
  const out = createWriteStream(path);
  await (gzip ? pipeline(archive, createGzip(), out) : pipeline(archive, out));
}

/** Every file of a folder as an archive entry, in an order that is not sorted. */
export async function entriesOf(root: string, prefix: string): Promise<TarEntry[]> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const entries: TarEntry[] = [];
  for (const entry of names.filter((item) => item.isFile())) {
    const path = join(entry.parentPath, entry.name);
    entries.push({ name: prefix + path.slice(root.length + 1), content: await readFile(path) });
  }
  return entries.sort((a, b) => (a.name < b.name ? 1 : -1));
}

/** Largest absolute difference of two arrays of the same length. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}
