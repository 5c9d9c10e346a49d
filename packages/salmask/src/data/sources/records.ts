/** Photos that lie as raw pixels in binary files, one record of fixed length a photo. */
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { sizeAndTime } from "./file-image.js";
import type { ImageSource } from "./image-source.js";

/** How a record holds its photo. */
export interface RecordLayout {
  /** Bytes of a record. */
  readonly bytes: number;
  /** Side of the photo in pixels. */
  readonly side: number;
  /** A record to pixels: `[bytes]` to `[side, side, 3]`, sRGB. */
  toRgb(record: Uint8Array): Uint8Array;
}

export interface PhotoRecord {
  /** Name of the file, relative to the folder. */
  readonly file: string;
  /** Number of the record in the file, from 0. */
  readonly index: number;
  /** Position in the classes; -1 where there is none. */
  readonly label: number;
}

export interface RecordList {
  /** Absolute path of the folder. */
  readonly path: string;
  readonly layout: RecordLayout;
  readonly records: readonly PhotoRecord[];
  readonly classes: readonly string[];
}

/** The name of a record's photo, such as `data_batch_1.bin/00017`; names sort as the records do. */
export function recordName({ file, index }: Pick<PhotoRecord, "file" | "index">): string {
  return `${file}/${String(index).padStart(6, "0")}`;
}

/**
 * The photos of records, in their order. Its identity is the path, the classes, the files' sizes in bytes and times of
 * modification, and every record's place and label.
 */
export function openRecords({ path, layout, records, classes }: RecordList): ImageSource {
  const labels = new Map(records.map((record) => [recordName(record), record.label]));
  const files = [...new Set(records.map(({ file }) => file))];
  const facts = files.map((file) => JSON.stringify([file, ...sizeAndTime(join(path, file))]));
  const places = records.map(({ file, index, label }) => `${files.indexOf(file)} ${index} ${label}`);
  return {
    path,
    labels: { classes, labelOf: (name) => labels.get(name) ?? -1 },
    identity: ["records", path, JSON.stringify(classes), ...facts, ...places].join("\n"),
    expected: records.length,
    async *images(signal) {
      const opened = new Map<string, number>();
      try {
        for (const record of records) {
          signal?.throwIfAborted();
          const file = opened.get(record.file) ?? openSync(join(path, record.file), "r");
          opened.set(record.file, file);
          const bytes = new Uint8Array(layout.bytes);
          const found = readSync(file, bytes, 0, layout.bytes, record.index * layout.bytes);
          yield {
            name: recordName(record),
            async read() {
              if (found < layout.bytes) {
                throw new Error(
                  `Expected ${layout.bytes} bytes of photo ${record.index} in ${record.file}, got ${found}.`,
                );
              }
              return { data: layout.toRgb(bytes), width: layout.side, height: layout.side };
            },
            release() {},
          };
        }
      } finally {
        for (const file of opened.values()) closeSync(file);
      }
    },
    summary: () => ({ commonFolder: "", skipped: [], others: new Map() }),
  };
}

/** Planes `[3, side, side]`, rows first or columns first, to pixels `[side, side, 3]`. */
export function interleave(planes: Uint8Array, side: number, order: "rows" | "columns"): Uint8Array {
  const area = side * side;
  const pixels = new Uint8Array(3 * area);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = order === "rows" ? y * side + x : x * side + y;
      const to = 3 * (y * side + x);
      for (let channel = 0; channel < 3; channel++) pixels[to + channel] = planes[channel * area + from];
    }
  }
  return pixels;
}
