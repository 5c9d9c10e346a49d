/** NumPy's file format, version 1.0, of float32 matrices: a header of text, then the numbers row after row. */
import { DataError } from "../../base/errors.js";

const magic = Buffer.from("\x93NUMPY\x01\x00", "latin1");
/** The numbers begin at a multiple of this many bytes. */
const alignment = 64;

/** Float32 numbers `[rows, columns]`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** The pieces of a file with these numbers, one after another. */
export function npyPieces({ rows, columns, data }: Matrix): Uint8Array[] {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const before = magic.length + 2;
  const padding = alignment - ((before + text.length + 1) % alignment);
  const header = Buffer.from(`${text}${" ".repeat(padding)}\n`, "latin1");
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return [magic, length, header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}

/** The numbers of a file. Throws {@link DataError} `not-embeddings` where it holds anything but a float32 matrix, all of it. */
export function readNpy(bytes: Buffer, path: string): Matrix {
  const refuse = (got: string) =>
    new DataError("not-embeddings", `Expected a float32 matrix in NumPy's format in ${path}, got ${got}.`);
  const start = magic.length + 2;
  if (bytes.length < start || !bytes.subarray(0, magic.length).equals(magic))
    throw refuse("another kind of file");
  const end = start + bytes.readUInt16LE(magic.length);
  if (end > bytes.length) throw refuse("a file that ends in its header");
  const header = bytes.toString("latin1", start, end);
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  const isPlain = header.includes("'descr': '<f4'") && header.includes("'fortran_order': False");
  if (shape === null || !isPlain) throw refuse(`the header ${header.trim().slice(0, 100)}`);
  const [rows, columns] = [Number(shape[1]), Number(shape[2])];
  const wanted = 4 * rows * columns;
  if (bytes.length - end !== wanted) throw refuse(`${bytes.length - end} bytes of numbers, not ${wanted}`);
  const data = new Float32Array(rows * columns);
  Buffer.from(data.buffer).set(bytes.subarray(end));
  return { rows, columns, data };
}
