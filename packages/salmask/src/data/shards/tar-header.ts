/** Headers of tar archives (POSIX.1-2017, pax; GNU's long names), for members that are found without reading what lies between. */
import type { Header } from "tar-stream";

/** Bytes of a header, and the unit in which contents are stored. */
export const BLOCK = 512;

/** What a header says of its member. */
export interface TarHeader {
  readonly name: string;
  /** Of the content in bytes. */
  readonly size: number;
  readonly kind: HeaderKind;
  readonly linkname: string;
}

/** What follows a header: a member of the archive, or something that is said of the next member. */
export type HeaderKind =
  | Header["type"]
  | "pax"
  | "pax-global"
  | "gnu-long-name"
  | "gnu-long-link"
  | "gnu-sparse"
  | "unknown";

const kinds: Readonly<Record<string, HeaderKind>> = {
  "\0": "file",
  "0": "file",
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "contiguous-file",
  x: "pax",
  g: "pax-global",
  L: "gnu-long-name",
  K: "gnu-long-link",
  S: "gnu-sparse",
};

const checksumAt = { from: 148, to: 156 };

/** The header in a block of {@link BLOCK} bytes; null for a block of zeros, which ends an archive. Throws an `Error` for other bytes. */
export function readHeader(block: Buffer): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  let sum = 8 * 0x20; // The checksum is counted as spaces.
  for (let i = 0; i < BLOCK; i++) if (i < checksumAt.from || i >= checksumAt.to) sum += block[i];
  const noted = octal(block.subarray(checksumAt.from, checksumAt.to));
  if (noted !== sum)
    throw new Error(`expected a header with the checksum ${sum}, got ${noted ?? "other bytes"}`);
  const size = numberIn(block.subarray(124, 136));
  if (size === null) throw new Error("expected a size from 0 in a header, got another");
  const name = textIn(block.subarray(0, 100));
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? textIn(block.subarray(345, 500)) : "";
  const kind = kinds[String.fromCharCode(block[156])] ?? "unknown";
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size,
    // Archives of before POSIX mark a folder by its name alone.
    kind: kind === "file" && name.endsWith("/") ? "directory" : kind,
    linkname: textIn(block.subarray(157, 257)),
  };
}

/** The fields of pax's extended header, such as `path` and `size`. Throws an `Error` for bytes of another form. */
export function readPax(content: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(content.toString("latin1", at, space));
    const end = at + length;
    if (!Number.isSafeInteger(length) || end <= space + 1 || end > content.length)
      throw new Error("expected the length of a field in an extended header, got other bytes");
    const field = content.toString("utf8", space + 1, end - 1);
    const equals = field.indexOf("=");
    if (equals < 1) throw new Error("expected a name and a value in an extended header, got other bytes");
    fields.set(field.slice(0, equals), field.slice(equals + 1));
    at = end;
  }
  return fields;
}

/** Bytes up to the first zero. */
export function textIn(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
}

/** A whole number from 0; null for anything else. Numbers that are too large for octal digits are stored in base 256 (GNU). */
function numberIn(bytes: Buffer): number | null {
  if ((bytes[0] & 0x80) === 0) return octal(bytes);
  if (bytes[0] !== 0x80) return null; // negative
  const value = bytes.subarray(1).reduce((sum, byte) => 256 * sum + byte, 0);
  return Number.isSafeInteger(value) ? value : null;
}

function octal(bytes: Buffer): number | null {
  const digits = textIn(bytes).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || "0", 8) : null;
}
