import { deflateSync } from "node:zlib";

/** How numbers of a type are written: the type's number in the format, bytes of each, and the writer. */
const types = {
  uint8: [2, 1, (data: DataView, at: number, value: number) => data.setUint8(at, value)],
  uint16: [
    4,
    2,
    (data: DataView, at: number, value: number, little: boolean) => data.setUint16(at, value, little),
  ],
  int32: [
    5,
    4,
    (data: DataView, at: number, value: number, little: boolean) => data.setInt32(at, value, little),
  ],
  uint32: [
    6,
    4,
    (data: DataView, at: number, value: number, little: boolean) => data.setUint32(at, value, little),
  ],
  double: [
    9,
    8,
    (data: DataView, at: number, value: number, little: boolean) => data.setFloat64(at, value, little),
  ],
} as const;
type Type = keyof typeof types;

const classNumbers: Record<Type, number> = { uint8: 9, uint16: 11, int32: 12, uint32: 13, double: 6 };

export interface MatVariable {
  readonly name: string;
  readonly values: readonly number[];
  readonly dimensions?: readonly number[];
  /** The array's class, and how its numbers are stored. Default: double as uint8, as MATLAB does where they fit. */
  readonly type?: Type;
  readonly stored?: Type;
  readonly complex?: boolean;
}

export interface MatOptions {
  readonly compressed?: boolean;
  readonly little?: boolean;
}

function words(little: boolean, ...values: number[]): Buffer {
  const data = new DataView(new ArrayBuffer(4 * values.length));
  for (const [i, value] of values.entries()) data.setUint32(4 * i, value, little);
  return Buffer.from(data.buffer);
}

function element(number: number, content: Buffer, little: boolean): Buffer {
  const isSmall = content.length > 0 && content.length <= 4;
  const tag = isSmall
    ? words(little, (content.length << 16) | number)
    : words(little, number, content.length);
  const whole = Buffer.concat([tag, content]);
  return Buffer.concat([whole, Buffer.alloc((8 - (whole.length % 8)) % 8)]);
}

function numbers(type: Type, values: readonly number[], little: boolean): Buffer {
  const [number, bytes, set] = types[type];
  const data = new DataView(new ArrayBuffer(bytes * values.length));
  for (const [i, value] of values.entries()) set(data, i * bytes, value, little);
  return element(number, Buffer.from(data.buffer), little);
}

function matrix(variable: MatVariable, little: boolean): Buffer {
  const {
    name,
    values,
    dimensions = [1, values.length],
    type = "double",
    stored = "uint8",
    complex = false,
  } = variable;
  const flags = classNumbers[type] | (complex ? 0x0800 : 0);
  const content = Buffer.concat([
    numbers("uint32", [flags, 0], little),
    numbers("int32", dimensions, little),
    element(1, Buffer.from(name, "latin1"), little),
    numbers(stored, values, little),
  ]);
  return Buffer.concat([words(little, 14, content.length), content]);
}

/** A .mat file of version 5, by the format's description. */
export function matFile(
  variables: readonly MatVariable[],
  { compressed = false, little = true }: MatOptions = {},
): Buffer {
  const head = Buffer.alloc(128, " ");
  head.write("MATLAB 5.0 MAT-file, made by a test");
  head.fill(0, 116, 124);
  head.set(little ? [0x00, 0x01] : [0x01, 0x00], 124);
  head.write(little ? "IM" : "MI", 126);
  const parts = variables.map((variable) => {
    const plain = matrix(variable, little);
    if (!compressed) return plain;
    const packed = deflateSync(plain);
    return Buffer.concat([words(little, 15, packed.length), packed]);
  });
  return Buffer.concat([head, ...parts]);
}
