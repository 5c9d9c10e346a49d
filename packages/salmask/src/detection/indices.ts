/** Places in tensors, between the host and where the tensor is. */
import { fromTypedArray, type Tensor } from "@salmask/torch";

/** int64 `[N]` on a device. */
export function indexTensor(places: ArrayLike<number>, device: string): Tensor {
  return fromTypedArray(BigInt64Array.from(Array.from(places), BigInt), [places.length], { device });
}

/** A tensor of whole numbers on the host, row by row. */
export function wholeNumbers(tensor: Tensor): Int32Array {
  using whole = tensor.to({ dtype: "int32" });
  const data = whole.toTypedArray();
  if (!(data instanceof Int32Array)) throw new TypeError(`Expected int32, got ${whole.dtype}.`);
  return data;
}

/** Where a condition `[N]` holds: int64 `[held]`, ascending. */
export function placesWhere(condition: Tensor): Tensor {
  return condition.nonzero().squeeze(1);
}
