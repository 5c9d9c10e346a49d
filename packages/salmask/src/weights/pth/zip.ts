/**
 * Zip archives (PKWARE's APPNOTE, with Zip64) as PyTorch writes them: entries that are stored as they are. Compressed ones are refused, so
 * that no entry is larger than its place in the file.
 */
import { crc32 } from "node:zlib";
import { damaged } from "./fault.js";
import type { BoundedFile } from "./file.js";

interface Entry {
  /** First byte of the content in the file. */
  readonly from: number;
  readonly size: number;
  readonly check: number;
}

const endSize = 22;
const longestComment = 0xffff;
const mostEntries = 200_000;
const in32 = 0xffffffff;

export class ZipArchive {
  private constructor(
    private readonly file: BoundedFile,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /** Reads the table of an archive. Throws CheckpointError `damaged-pth`, also where entries overlap. */
  static open(file: BoundedFile): ZipArchive {
    const { from, size, count } = tableOf(file);
    const table = file.read(from, size);
    const entries = new Map<string, Entry>();
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (at + 46 > table.length || table.readUInt32LE(at) !== 0x02014b50)
        throw damaged("a broken table of entries");
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
        table.readUInt16LE(at + field),
      );
      const next = at + 46 + nameLength + extraLength + commentLength;
      if (next > table.length) throw damaged("a broken table of entries");
      const name = table.toString("utf8", at + 46, at + 46 + nameLength);
      if (entries.has(name)) throw damaged(`two entries of the name ${JSON.stringify(name)}`);
      entries.set(name, entryOf(file, table.subarray(at, next), name));
      at = next;
    }
    refuseOverlaps([...entries.values()], from);
    return new ZipArchive(file, entries);
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  /** Bytes of an entry; undefined where there is none. */
  sizeOf(name: string): number | undefined {
    return this.entries.get(name)?.size;
  }

  /** The content of an entry. Throws CheckpointError `damaged-pth` where there is none or its checksum is another. */
  read(name: string): Buffer {
    const entry = this.entries.get(name);
    if (entry === undefined) throw damaged(`no entry ${JSON.stringify(name)}`);
    const content = this.file.read(entry.from, entry.size);
    if (crc32(content) !== entry.check)
      throw damaged(`other bytes than were written in ${JSON.stringify(name)}`);
    return content;
  }
}

/** Where the table of entries lies. */
function tableOf(file: BoundedFile): { from: number; size: number; count: number } {
  const tailSize = Math.min(file.size, endSize + longestComment);
  const tail = file.read(file.size - tailSize, tailSize);
  let at = tailSize - endSize;
  while (at >= 0 && tail.readUInt32LE(at) !== 0x06054b50) at--;
  if (at < 0) throw damaged("an archive without its end: the file is cut off");
  const end = {
    count: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    from: tail.readUInt32LE(at + 16),
  };
  const is64 = end.count === 0xffff || end.size === in32 || end.from === in32;
  const table = is64 ? table64(file, file.size - tailSize + at) : end;
  if (table.count > mostEntries) throw damaged(`${table.count} entries, more than ${mostEntries}`);
  return table;
}

function table64(file: BoundedFile, end: number): { from: number; size: number; count: number } {
  const locator = file.read(end - 20, 20);
  if (locator.readUInt32LE(0) !== 0x07064b50) throw damaged("an archive without its end");
  const record = file.read(whole(locator.readBigUInt64LE(8)), 56);
  if (record.readUInt32LE(0) !== 0x06064b50) throw damaged("an archive without its end");
  const [count, size, from] = [32, 40, 48].map((field) => whole(record.readBigUInt64LE(field)));
  return { from, size, count };
}

function whole(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) throw damaged("a size that no file has");
  return Number(value);
}

function entryOf(file: BoundedFile, record: Buffer, name: string): Entry {
  const [flags, method] = [record.readUInt16LE(8), record.readUInt16LE(10)];
  const { size, stored, header } = sizesOf(record);
  if (method !== 0 || stored !== size || (flags & 1) !== 0)
    throw damaged(`${JSON.stringify(name)} compressed or encrypted, which torch.save does not do`);
  const local = file.read(header, 30);
  if (local.readUInt32LE(0) !== 0x04034b50) throw damaged(`no content of ${JSON.stringify(name)}`);
  const from = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (from + size > file.size)
    throw damaged(`${JSON.stringify(name)} of ${size} bytes beyond the end of the file`);
  return { from, size, check: record.readUInt32LE(16) };
}

/** The sizes of an entry, and where its header lies: in the record, or in the Zip64 field behind its name. */
function sizesOf(record: Buffer): { size: number; stored: number; header: number } {
  const plain = {
    size: record.readUInt32LE(24),
    stored: record.readUInt32LE(20),
    header: record.readUInt32LE(42),
  };
  if (![plain.size, plain.stored, plain.header].includes(in32)) return plain;
  const start = 46 + record.readUInt16LE(28);
  const extra = record.subarray(start, start + record.readUInt16LE(30));
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    const field = extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    if (id !== 1) continue;
    let next = 0;
    const large = (value: number): number => {
      if (value !== in32) return value;
      if (next + 8 > field.length) throw damaged("a broken table of entries");
      next += 8;
      return whole(field.readBigUInt64LE(next - 8));
    };
    // In this order: the size, the stored size, the place.
    const size = large(plain.size);
    const stored = large(plain.stored);
    return { size, stored, header: large(plain.header) };
  }
  throw damaged("a broken table of entries");
}

function refuseOverlaps(entries: readonly Entry[], table: number): void {
  const sorted = [...entries].sort((a, b) => a.from - b.from || a.size - b.size);
  let covered = 0;
  for (const { from, size } of sorted) {
    if (from < covered || from + size > table) throw damaged("entries that lie over each other");
    covered = from + size;
  }
}
