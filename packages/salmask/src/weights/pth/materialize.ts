/** Tensors from their place in a storage's bytes. */
import { type DType, fromTypedArray, type Tensor, type TypedArray } from "@salmask/torch";
import { damaged } from "./fault.js";
import type { TensorValue } from "./value.js";

const makers: Partial<Record<DType, (n: number) => TypedArray>> = {
  float32: (n) => new Float32Array(n),
  float64: (n) => new Float64Array(n),
  float16: (n) => new Uint16Array(n),
  bfloat16: (n) => new Uint16Array(n),
  int64: (n) => new BigInt64Array(n),
  int32: (n) => new Int32Array(n),
  int16: (n) => new Int16Array(n),
  int8: (n) => new Int8Array(n),
  uint8: (n) => new Uint8Array(n),
  bool: (n) => new Uint8Array(n),
};

function arrayOf(dtype: DType, n: number): TypedArray {
  const make = makers[dtype];
  if (make === undefined) throw damaged(`numbers of the type ${dtype}`);
  return make(n);
}

export const elementBytes = (dtype: DType): number => arrayOf(dtype, 1).byteLength;

/** Number of elements; infinity where it is too large to count. */
export const numelOf = ({ shape }: Pick<TensorValue, "shape">): number =>
  shape.reduce((product, side) => product * side, 1);

/** A copy of the elements of a tensor in its storage's `bytes`, whose place has been checked. */
export function materialize({ storage, offset, shape, strides }: TensorValue, bytes: Uint8Array): Tensor {
  const { dtype } = storage;
  const numel = numelOf({ shape });
  const data = arrayOf(dtype, numel);
  const into = new Uint8Array(data.buffer);
  const width = data.BYTES_PER_ELEMENT;
  if (isContiguous(shape, strides)) {
    into.set(bytes.subarray(offset * width, (offset + numel) * width));
  } else if (numel > 0) {
    const place = shape.map(() => 0);
    let from = offset;
    for (let i = 0; i < numel; i++) {
      into.set(bytes.subarray(from * width, (from + 1) * width), i * width);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += strides[axis];
        if (++place[axis] < shape[axis]) break;
        from -= strides[axis] * shape[axis];
        place[axis] = 0;
      }
    }
  }
  // libtorch expects of truth values that they are 0 or 1.
  if (dtype === "bool") for (const [i, value] of into.entries()) if (value > 1) into[i] = 1;
  return fromTypedArray(data, shape, { dtype });
}

/** Whether elements lie in a row; the strides of axes of length one do not matter. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}
