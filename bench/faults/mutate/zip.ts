/** Writes zip archives as PyTorch does: stored, not compressed, with what headers say open to lies. */
import { crc32 } from "node:zlib";

export interface ZipFile {
  readonly name: string;
  readonly bytes: Buffer;
  /** Sizes, checksum, method and place as the headers say, where they are not the truth. */
  readonly says?: Partial<
    Readonly<Record<"packed" | "size" | "check" | "method" | "offset" | "flags", number>>
  >;
}

function fields(
  signature: number,
  shorts: readonly [at: number, value: number][],
  longs: readonly [number, number][],
  length: number,
) {
  const header = Buffer.alloc(length);
  header.writeUInt32LE(signature, 0);
  for (const [at, value] of shorts) header.writeUInt16LE(value & 0xffff, at);
  for (const [at, value] of longs) header.writeUInt32LE(value >>> 0, at);
  return header;
}

/** `entries` is how many files the end of the directory says there are; default: as many as there are. */
export function zipOf(files: readonly ZipFile[], entries = files.length): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, says = {} } of files) {
    const path = Buffer.from(name);
    const { packed = bytes.length, size = bytes.length, check = crc32(bytes), method = 0, flags = 0 } = says;
    // The data begins at a multiple of 64 bytes, as PyTorch's do.
    const padding = (64 - ((offset + 30 + path.length + 4) % 64)) % 64;
    const head = fields(
      0x04034b50,
      [
        [4, 20],
        [6, flags],
        [8, method],
        [26, path.length],
        [28, padding + 4],
      ],
      [
        [14, check],
        [18, packed],
        [22, size],
      ],
      30,
    );
    const extra = Buffer.alloc(4 + padding, "Z");
    extra.write("FB", "latin1");
    extra.writeUInt16LE(padding, 2);
    local.push(head, path, extra, bytes);
    directory.push(
      fields(
        0x02014b50,
        [
          [4, 20],
          [6, 20],
          [8, flags],
          [10, method],
          [28, path.length],
        ],
        [
          [16, check],
          [20, packed],
          [24, size],
          [42, says.offset ?? offset],
        ],
        46,
      ),
      path,
    );
    offset += head.length + path.length + extra.length + bytes.length;
  }
  const listing = Buffer.concat(directory);
  const end = fields(
    0x06054b50,
    [
      [8, entries],
      [10, entries],
    ],
    [
      [12, listing.length],
      [16, offset],
    ],
    22,
  );
  return Buffer.concat([...local, listing, end]);
}
