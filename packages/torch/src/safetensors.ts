/**
 * The safetensors format: eight bytes with the length of the header, a JSON header, raw little-endian data. Reading
 * runs no code from the file, and every length is checked before it is used.
 */
import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { arrayFor, type DType } from "./dtype.js";
import type { TypedArray } from "./native.js";
import { fromTypedArray, type Tensor } from "./tensor.js";

const names: Partial<Record<DType, string>> = {
  bool: "BOOL",
  uint8: "U8",
  int8: "I8",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
};
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype]));
const maximalHeader = 100_000_000;
/** More dimensions than any network's tensor has; libtorch works with each of them. */
const mostDimensions = 64;

/** The file is not in the safetensors format, is incomplete, or is damaged. */
export class SafetensorsError extends Error {
  override name = "SafetensorsError";
}

interface Entry {
  dtype: DType;
  shape: number[];
  begin: number;
  end: number;
}

function isDType(text: string): text is DType {
  return text in names;
}

function bytesOf(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The metadata's, and one that would change the object of tensors instead of adding one to it. */
const reservedNames: ReadonlySet<string> = new Set(["__metadata__", "__proto__"]);

/**
 * Writes tensors and text metadata to a temporary file, flushes it and renames it to `path`. Names are sorted, so that
 * equal content gives equal bytes.
 */
export function saveSafetensors(
  path: string,
  tensors: Record<string, Tensor>,
  metadata: Record<string, string> = {},
): void {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  const sorted = Object.keys(tensors).sort();
  let offset = 0;
  for (const name of sorted) {
    const { dtype, shape } = tensors[name];
    if (reservedNames.has(name))
      throw new SafetensorsError(`safetensors has no place for a tensor named ${name}`);
    const stored = names[dtype];
    if (stored === undefined) throw new SafetensorsError(`safetensors has no type for ${name} of ${dtype}`);
    const size = arrayFor(dtype, 1).byteLength * shape.reduce((product, side) => product * side, 1);
    header[name] = { dtype: stored, shape, data_offsets: [offset, offset + size] };
    offset += size;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    const file = openSync(temporary, "wx");
    try {
      writeAll(file, length);
      writeAll(file, padded);
      for (const name of sorted) writeAll(file, bytesOf(tensors[name].toTypedArray()));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeAll(file: number, data: Uint8Array): void {
  for (let written = 0; written < data.length; ) written += writeSync(file, data, written);
}

function readAll(file: number, into: Uint8Array, position: number, path: string): void {
  for (let read = 0; read < into.length; ) {
    const got = readSync(file, into, read, into.length - read, position + read);
    if (got === 0) throw new SafetensorsError(`${path} ends early`);
    read += got;
  }
}

function parseEntry(path: string, name: string, value: unknown, dataSize: number): Entry {
  const fault = (why: string) => new SafetensorsError(`${path}: ${name} ${why}`);
  const get = (key: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  const [type, shape, offsets] = [get("dtype"), get("shape"), get("data_offsets")];
  const dtype = typeof type === "string" ? dtypes.get(type) : undefined;
  if (dtype === undefined || !isDType(dtype)) {
    throw fault(`has the unknown type ${typeof type === "string" ? JSON.stringify(type) : typeof type}`);
  }
  const counts = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!counts(shape) || shape.length > mostDimensions) throw fault("has no usable shape");
  if (reservedNames.has(name)) throw fault("is a name that no tensor can have");
  if (!counts(offsets) || offsets.length !== 2) throw fault("has no usable offsets");
  const [begin, end] = offsets;
  const size = arrayFor(dtype, 1).byteLength * shape.reduce((product, side) => product * side, 1);
  if (end - begin !== size || end > dataSize) {
    throw fault(`should take ${size} bytes within ${dataSize}, but its offsets are ${begin} to ${end}`);
  }
  return { dtype, shape, begin, end };
}

/** The format requires that tensors cover the data without gaps or overlaps, so that each byte has exactly one meaning. */
function checkTiling(path: string, entries: readonly [string, Entry][], dataSize: number): void {
  const sorted = entries.toSorted(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const [name, { begin, end }] of sorted) {
    if (begin !== covered) {
      throw new SafetensorsError(
        `${path}: ${name} should begin at byte ${covered}, but it begins at ${begin}`,
      );
    }
    covered = end;
  }
  if (covered !== dataSize) {
    throw new SafetensorsError(`${path}: its tensors take ${covered} bytes, but it holds ${dataSize}`);
  }
}

function withHeader<T>(
  path: string,
  use: (header: Record<string, unknown>, file: number, dataStart: number, dataSize: number) => T,
): T {
  const file = openSync(path, "r");
  try {
    const size = fstatSync(file).size;
    const prefix = Buffer.alloc(8);
    readAll(file, prefix, 0, path);
    const headerSize = Number(prefix.readBigUInt64LE());
    if (headerSize > Math.min(size - 8, maximalHeader)) {
      throw new SafetensorsError(
        `${path}: expected a header within ${size} bytes, but its length reads ${headerSize}`,
      );
    }
    const text = Buffer.alloc(headerSize);
    readAll(file, text, 8, path);
    let header: unknown;
    try {
      header = JSON.parse(text.toString("utf8"));
    } catch (error) {
      throw new SafetensorsError(`${path}: the header is not JSON`, { cause: error });
    }
    if (typeof header !== "object" || header === null || Array.isArray(header)) {
      throw new SafetensorsError(`${path}: the header is not an object`);
    }
    return use({ ...header }, file, 8 + headerSize, size - 8 - headerSize);
  } finally {
    closeSync(file);
  }
}

/** Reads every tensor of a file. Throws {@link SafetensorsError} if the file is damaged. */
export function loadSafetensors(path: string): Record<string, Tensor> {
  return withHeader(path, (header, file, dataStart, dataSize) => {
    const entries = Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, value]): [string, Entry] => [name, parseEntry(path, name, value, dataSize)]);
    checkTiling(path, entries, dataSize);
    const tensors: Record<string, Tensor> = {};
    try {
      for (const [name, entry] of entries) {
        const data = arrayFor(
          entry.dtype,
          entry.shape.reduce((product, side) => product * side, 1),
        );
        readAll(file, bytesOf(data), dataStart + entry.begin, path);
        tensors[name] = fromTypedArray(data, entry.shape, { dtype: entry.dtype });
      }
    } catch (error) {
      for (const tensor of Object.values(tensors)) tensor.dispose();
      throw error;
    }
    return tensors;
  });
}

/** Reads only the text metadata of a file. */
export function readSafetensorsMetadata(path: string): Record<string, string> {
  return withHeader(path, (header) => {
    const metadata = header.__metadata__;
    if (typeof metadata !== "object" || metadata === null) return {};
    return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)]));
  });
}
