/**
 * Numeric arrays of MATLAB's .mat files of version 5, which MATLAB writes by `save -v7` too. MathWorks, "MAT-File Format", 2019,
 * chapter 1.
 */
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { DataError, messageOf } from "../../base/errors.js";

export interface MatArray {
  /** Rows, columns, and more where there are more. */
  readonly dimensions: readonly number[];
  /** Down the columns. */
  readonly values: Float64Array;
}

const headerBytes = 128;
/** Larger arrays are refused, so that a small hostile file cannot fill the memory. */
const mostBytes = 2 ** 28;

/** Types of elements, by the format's numbers. */
const matrixType = 14;
const compressedType = 15;

/** The numeric classes, from double to uint64. */
const isNumericClass = (number: number) => number >= 6 && number <= 15;
const complexFlag = 0x08;

interface Element {
  readonly type: number;
  readonly data: DataView;
}

class Malformed extends Error {}

/** The elements of a part of a file, one after another. */
class Elements {
  private at = 0;

  constructor(
    private readonly view: DataView,
    private readonly little: boolean,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.view.byteLength;
  }

  next(what: string): Element {
    const first = this.uint32(this.at, what);
    // A small element has its length in the upper half of its type, and its data in the tag.
    const isSmall = first >>> 16 !== 0;
    const bytes = isSmall ? first >>> 16 : this.uint32(this.at + 4, what);
    const from = this.at + (isSmall ? 4 : 8);
    const type = isSmall ? first & 0xffff : first;
    if (from + bytes > this.view.byteLength || (isSmall && bytes > 4)) {
      throw new Malformed(`${what} of ${bytes} bytes, got ${Math.max(0, this.view.byteLength - from)}`);
    }
    // Elements begin at multiples of 8 bytes, but for those after a compressed one.
    const step = isSmall ? 8 : 8 + (type === compressedType ? bytes : Math.ceil(bytes / 8) * 8);
    this.at += step;
    return { type, data: new DataView(this.view.buffer, this.view.byteOffset + from, bytes) };
  }

  private uint32(at: number, what: string): number {
    if (at + 4 > this.view.byteLength) throw new Malformed(`${what}, got the end of the file`);
    return this.view.getUint32(at, this.little);
  }
}

type Reader = (data: DataView, at: number, little: boolean) => number;

/** How the elements of numbers are stored, by the type's number: bytes of each, and how one is read. */
const numberTypes = new Map<number, readonly [bytes: number, read: Reader]>([
  [1, [1, (data, at) => data.getInt8(at)]],
  [2, [1, (data, at) => data.getUint8(at)]],
  [3, [2, (data, at, little) => data.getInt16(at, little)]],
  [4, [2, (data, at, little) => data.getUint16(at, little)]],
  [5, [4, (data, at, little) => data.getInt32(at, little)]],
  [6, [4, (data, at, little) => data.getUint32(at, little)]],
  [7, [4, (data, at, little) => data.getFloat32(at, little)]],
  [9, [8, (data, at, little) => data.getFloat64(at, little)]],
  [12, [8, (data, at, little) => Number(data.getBigInt64(at, little))]],
  [13, [8, (data, at, little) => Number(data.getBigUint64(at, little))]],
]);

function numbersOf({ type, data }: Element, little: boolean, what: string): Float64Array {
  const found = numberTypes.get(type);
  if (found === undefined) throw new Malformed(`numbers as ${what}, got elements of type ${type}`);
  const [bytes, read] = found;
  if (data.byteLength % bytes !== 0) throw new Malformed(`whole numbers of ${bytes} bytes as ${what}`);
  return Float64Array.from({ length: data.byteLength / bytes }, (_, i) => read(data, i * bytes, little));
}

/** An array and its name; null for one that is not of real numbers. */
function readMatrix(data: DataView, little: boolean): { name: string; array: MatArray } | null {
  const parts = new Elements(data, little);
  const flags = numbersOf(parts.next("flags of an array"), little, "flags of an array")[0];
  if (flags === undefined) throw new Malformed("flags of an array, got none");
  if (!isNumericClass(flags & 0xff) || ((flags >>> 8) & complexFlag) !== 0) return null;
  const dimensions = [...numbersOf(parts.next("dimensions"), little, "dimensions of an array")];
  const text = parts.next("name of an array").data;
  const name = Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString("latin1");
  const values = numbersOf(parts.next(`values of ${name}`), little, `values of ${name}`);
  const expected = dimensions.reduce((product, length) => product * length, 1);
  if (values.length !== expected) {
    throw new Malformed(`${expected} values of ${name} (${dimensions.join(" x ")}), got ${values.length}`);
  }
  return { name, array: { dimensions, values } };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function inflate(data: DataView): DataView {
  const packed = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  try {
    return viewOf(inflateSync(packed, { maxOutputLength: mostBytes }));
  } catch (error) {
    throw new Malformed(`compressed data, got: ${messageOf(error)}`);
  }
}

/** Whether numbers are little-endian. */
function readHeader(bytes: Buffer): boolean {
  const text = bytes.toString("latin1", 0, Math.min(bytes.length, headerBytes));
  if (text.startsWith("MATLAB 7.3") || text.startsWith("\x89HDF")) {
    throw new Malformed("version 5, got version 7.3. In MATLAB, load it and save it with -v7");
  }
  const mark = text.slice(126, 128);
  if (bytes.length < headerBytes || (mark !== "IM" && mark !== "MI")) {
    throw new Malformed("the header of a .mat file of version 5, got something else");
  }
  return mark === "IM";
}

/**
 * The arrays of real numbers in a file, by name; text, structures, cells and sparse arrays are passed over. Throws a DataError
 * `bad-mat-file` that says what was expected where the file is of another version, cut short or damaged.
 */
export function readMatFile(path: string): Map<string, MatArray> {
  try {
    const bytes = readFileSync(path);
    const little = readHeader(bytes);
    const found = new Map<string, MatArray>();
    const elements = new Elements(viewOf(bytes.subarray(headerBytes)), little);
    while (!elements.isAtEnd) {
      const outer = elements.next("an element");
      const isPacked = outer.type === compressedType;
      const element = isPacked ? new Elements(inflate(outer.data), little).next("an element") : outer;
      const read = element.type === matrixType ? readMatrix(element.data, little) : null;
      if (read !== null) found.set(read.name, read.array);
    }
    return found;
  } catch (error) {
    const reason = messageOf(error);
    throw new DataError(
      "bad-mat-file",
      error instanceof Malformed
        ? `Expected in ${path} ${reason}.`
        : `Expected a .mat file that can be read at ${path}, got: ${reason}.`,
      error,
    );
  }
}

/**
 * A row or column of whole numbers by its name. Throws a DataError `bad-mat-file` where there is none, as {@link readMatFile} does.
 */
export function wholeNumbers(arrays: ReadonlyMap<string, MatArray>, name: string, path: string): Int32Array {
  const array = arrays.get(name);
  const isVector = array?.dimensions.length === 2 && array.dimensions.some((length) => length === 1);
  if (array === undefined || !isVector || !array.values.every(Number.isInteger)) {
    const got =
      array === undefined
        ? `only ${[...arrays.keys()].join(", ") || "no arrays"}`
        : `${array.dimensions.join(" x ")} numbers${isVector ? " that are not whole" : ""}`;
    throw new DataError(
      "bad-mat-file",
      `Expected a row of whole numbers named ${name} in ${path}, got ${got}.`,
    );
  }
  return Int32Array.from(array.values);
}
