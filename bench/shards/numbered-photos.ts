/** Photos that show their own number, so that what was seen can be read from pixels. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import turbo from "@julusian/jpeg-turbo";
import { BLOCK } from "../../packages/salmask/src/data/shards/tar-header.js";

/** Side of a photo in pixels. */
export const side = 16;
/** A photo is divided into squares of this side, which is that of JPEG's blocks. Each has one grey. */
const cell = 8;
const cells = (side / cell) ** 2;
const bits = 5;
const greys = 2 ** bits;
export const mostNumbers = greys ** cells;

/** The middle of each grey's eighth of what a byte can hold. */
const levelOf = (value: number) => 8 * value + 4;
/** By which JPEG may change a pixel of a block of one grey. */
const mayDiffer = 3;

/** The greys of the cells of a number. */
const levelsOf = (number: number) =>
  Array.from({ length: cells }, (_, i) => levelOf(Math.floor(number / greys ** i) % greys));

/** The first pixel of a row within a cell. */
const startOf = (i: number, row: number) =>
  (cell * Math.floor(i / (side / cell)) + row) * side + cell * (i % (side / cell));

/** The bytes of a JPEG. */
export function photoWith(number: number): Buffer {
  const rgb = Buffer.alloc(side * side * 3);
  for (const [i, level] of levelsOf(number).entries())
    for (let row = 0; row < cell; row++) rgb.fill(level, 3 * startOf(i, row), 3 * (startOf(i, row) + cell));
  return turbo.compressSync(rgb, { format: turbo.FORMAT_RGB, width: side, height: side, quality: 95 });
}

/** The number that a photo shows, by the first channel of its pixels, `[side, side]`. Throws where they show none. */
export function numberIn(pixels: Uint8Array): number {
  let number = 0;
  for (let i = 0; i < cells; i++) number += Math.floor(pixels[startOf(i, 0)] / 8) * greys ** i;
  for (const [i, level] of levelsOf(number).entries())
    for (let row = 0; row < cell; row++)
      for (let at = startOf(i, row); at < startOf(i, row) + cell; at++)
        if (Math.abs(pixels[at] - level) > mayDiffer)
          throw new Error(`Expected a photo that shows its number, got ${pixels.join(" ")}.`);
  return number;
}

/** A header of POSIX's tar and the content, filled up to whole blocks. */
function member(name: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(BLOCK * (1 + Math.ceil(content.length / BLOCK)));
  bytes.write(name, 0, "latin1");
  bytes.write("0000644\x000000000\x000000000\0", 100, "latin1");
  bytes.write(`${content.length.toString(8).padStart(11, "0")}\x0000000000000\0        0`, 124, "latin1");
  bytes.write("ustar\x0000", 257, "latin1");
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += bytes[i];
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  content.copy(bytes, BLOCK);
  return bytes;
}

/** Writes the photos 0 to `photos - 1` with classes in `shards` archives. Returns the bytes of all. */
export function writeNumbered(
  folder: string,
  { photos, shards }: { photos: number; shards: number },
): number {
  if (photos > mostNumbers) throw new Error(`Expected at most ${mostNumbers} photos, got ${photos}.`);
  mkdirSync(folder, { recursive: true });
  let bytes = 0;
  for (let shard = 0; shard < shards; shard++) {
    const file = openSync(join(folder, `train-${String(shard).padStart(3, "0")}.tar`), "w");
    const end = Math.floor(((shard + 1) * photos) / shards);
    let waiting: Buffer[] = [];
    const flush = () => {
      bytes += writeSync(file, Buffer.concat(waiting));
      waiting = [];
    };
    for (let number = Math.floor((shard * photos) / shards); number < end; number++) {
      const key = String(number).padStart(7, "0");
      waiting.push(
        member(`${key}.jpg`, photoWith(number)),
        member(`${key}.cls`, Buffer.from(String(number % 10))),
      );
      if (waiting.length >= 2000) flush();
    }
    waiting.push(Buffer.alloc(2 * BLOCK));
    flush();
    closeSync(file);
  }
  return bytes;
}
