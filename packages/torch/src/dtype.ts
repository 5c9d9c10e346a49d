import type { TypedArray } from "./native.js";

// The codes of c10::ScalarType, fixed by libtorch's ABI.
const codes = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  complex64: 9,
  complex128: 10,
  bool: 11,
  bfloat16: 15,
} as const;

/** Element types, by PyTorch's names. */
export type DType = keyof typeof codes;

const names = new Map<number, DType>(dtypes().map((name) => [codes[name], name]));

/** All element types. */
export function dtypes(): DType[] {
  return [
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "bool",
    "bfloat16",
  ];
}

/** libtorch's code of an element type. undefined stays undefined, which selects the operator's default. */
export function scalarType(dtype: DType): number;
export function scalarType(dtype: DType | undefined): number | undefined;
export function scalarType(dtype: DType | undefined): number | undefined {
  return dtype === undefined ? undefined : codes[dtype];
}

export function dtypeOf(scalarType: number): DType {
  const name = names.get(scalarType);
  if (name === undefined) throw new TypeError(`libtorch's scalar type ${scalarType} has no JavaScript name`);
  return name;
}

/** An empty typed array that holds `n` elements of this type bit for bit (16-bit floats as their bits). */
export function arrayFor(dtype: DType, n: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(n);
    case "float64":
      return new Float64Array(n);
    case "complex64":
      return new Float32Array(2 * n);
    case "complex128":
      return new Float64Array(2 * n);
    case "int64":
      return new BigInt64Array(n);
    case "int32":
      return new Int32Array(n);
    case "int16":
      return new Int16Array(n);
    case "int8":
      return new Int8Array(n);
    case "uint8":
    case "bool":
      return new Uint8Array(n);
    case "float16":
    case "bfloat16":
      return new Uint16Array(n);
  }
}

/** The element type that a typed array holds. */
export function dtypeOfArray(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Int16Array) return "int16";
  if (data instanceof Int8Array) return "int8";
  if (data instanceof Uint8Array) return "uint8";
  throw new TypeError(`a ${data.constructor.name} says no element type; give one`);
}

/** libtorch's memory formats, by PyTorch's names. */
export type MemoryFormat = "contiguous" | "preserve" | "channelsLast";

const memoryFormats: Record<MemoryFormat, number> = { contiguous: 0, preserve: 1, channelsLast: 2 };

export function memoryFormatCode(format: MemoryFormat | undefined): number | undefined {
  return format === undefined ? undefined : memoryFormats[format];
}
