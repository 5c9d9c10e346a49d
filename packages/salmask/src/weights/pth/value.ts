/** What a pickle of weights may hold. */
import type { DType } from "@salmask/torch";

/** Numbers in the file, which tensors are views of. */
export interface StorageValue {
  readonly kind: "storage";
  /** Names the storage in the file. */
  readonly key: string;
  readonly dtype: DType;
  /** Elements of the whole storage. */
  readonly numel: number;
  /** The elements that are visible begin here; only in files of before PyTorch 0.4 above 0. */
  readonly from: number;
  /** Elements that are visible. */
  readonly length: number;
}

/** A view of a storage, checked to lie inside. */
export interface TensorValue {
  readonly kind: "tensor";
  readonly storage: StorageValue;
  /** First element, counted from the storage's begin. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "list"; readonly items: Value[] }
  | { readonly kind: "tuple"; readonly items: Value[] }
  | { readonly kind: "dict"; readonly entries: [Value, Value][] }
  | { readonly kind: "global"; readonly name: string }
  | StorageValue
  | TensorValue;

export type ValueOf<K> = Extract<Value, { readonly kind: K }>;

/** Whether a value is of a kind. */
export function isOf<K extends string>(value: Value, kind: K): value is ValueOf<K> {
  return typeof value === "object" && value !== null && value.kind === kind;
}
