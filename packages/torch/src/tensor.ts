import { explainedFailureOfBackward } from "./backward-failure.js";
import { setTensorMaker } from "./dispatch.js";
import { arrayFor, type DType, dtypeOf, dtypeOfArray, scalarType } from "./dtype.js";
import { native, type TypedArray } from "./native.js";
import { TensorOps } from "./ops.generated.js";
import { adopt, forget } from "./scope.js";

/** Nested arrays of numbers; the depth is the number of dimensions of the tensor. */
export type NestedNumbers = number | readonly NestedNumbers[];

/**
 * A libtorch tensor. Operators are methods with PyTorch's names in camel case, and functions in `ops`. A tensor belongs
 * to the scope where it was made and is freed with that scope; see `scope`.
 */
export class Tensor extends TensorOps {
  #handle: number;

  /** @internal Takes ownership of a handle from the addon. */
  constructor(handle: number) {
    super();
    this.#handle = handle;
    adopt(this, handle);
  }

  /** The addon's integer for this tensor. Throws if the tensor was freed. */
  get handle(): number {
    if (this.#handle === 0) {
      throw new Error(
        "expected a live tensor, but this one was freed: return it from its scope, or keep() it",
      );
    }
    return this.#handle;
  }

  /** Whether the tensor was freed. */
  get disposed(): boolean {
    return this.#handle === 0;
  }

  /** Frees the tensor now. A second call has no effect. */
  dispose(): void {
    if (this.#handle === 0) return;
    native.release(this.#handle);
    this.#handle = 0;
    forget(this);
  }

  /** Frees the tensor at the end of a block that declares it with `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The length of each dimension. */
  get shape(): number[] {
    return native.shape(this.handle);
  }

  /** The distance between neighbours along each dimension, in elements. */
  get strides(): number[] {
    return native.strides(this.handle);
  }

  /** The number of dimensions; 0 for a scalar. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get numel(): number {
    return this.shape.reduce((product, side) => product * side, 1);
  }

  /** The type of the elements. */
  get dtype(): DType {
    return dtypeOf(native.scalarType(this.handle));
  }

  /** `cpu`, `cuda:0`, ... */
  get device(): string {
    return native.device(this.handle);
  }

  /** Whether the tensor is not the result of an operation that autograd recorded. */
  get isLeaf(): boolean {
    return native.isLeaf(this.handle);
  }

  /** Whether autograd records operations on this tensor. It can be set on leaves of a floating type. */
  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }

  set requiresGrad(on: boolean) {
    native.setRequiresGrad(this.handle, on);
  }

  /** The gradient from `backward`; null if there is none. */
  get grad(): Tensor | null {
    const handle = native.grad(this.handle);
    return handle === undefined ? null : new Tensor(handle);
  }

  set grad(gradient: Tensor | null) {
    native.setGrad(this.handle, gradient === null ? null : gradient.handle);
  }

  /** Adds the gradient of this tensor to every leaf that it depends on. A tensor with several elements needs `gradient`. */
  backward(options: { gradient?: Tensor; retainGraph?: boolean } = {}): void {
    try {
      native.backward(this.handle, options.gradient?.handle ?? null, options.retainGraph ?? false);
    } catch (error) {
      throw explainedFailureOfBackward(error);
    }
  }

  /** The value of a tensor with one element; true is 1. */
  item(): number {
    return native.item(this.handle);
  }

  /**
   * A copy with another type or on another device (`cpu`, `cuda:0`). A copy to a GPU is queued, and this call does not
   * wait for it. A copy from a GPU waits for all queued work of that GPU.
   */
  to({ dtype, device }: { dtype?: DType; device?: string }): Tensor {
    const isUpload = device?.startsWith("cuda") === true && this.device === "cpu";
    if (!isUpload) return this.toCopy({ dtype, device });
    // The copy is queued only from pinned memory, and only if it does not convert the type.
    using pinned = this.pinMemory();
    const moved = pinned.toCopy({ device, nonBlocking: true });
    if (dtype === undefined || dtype === moved.dtype) return moved;
    using original = moved;
    return original.toCopy({ dtype });
  }

  /** A copy of the elements in row-major order, in the typed array of this type (16-bit floats as their bits). */
  toTypedArray(): TypedArray {
    const data = arrayFor(this.dtype, this.numel);
    native.toBytes(this.handle, data);
    return data;
  }

  /** A copy of the elements as 32-bit floats in row-major order. */
  toFloat32Array(): Float32Array {
    const data = new Float32Array(this.numel);
    if (this.dtype === "float32") {
      native.toBytes(this.handle, data);
    } else {
      using converted = this.to({ dtype: "float32" });
      native.toBytes(converted.handle, data);
    }
    return data;
  }

  /** A copy of the elements as plain numbers in row-major order. */
  toArray(): number[] {
    using converted = this.to({ dtype: "float64" });
    const data = new Float64Array(converted.numel);
    native.toBytes(converted.handle, data);
    return Array.from(data);
  }

  override toString(): string {
    return this.disposed
      ? "Tensor(freed)"
      : `Tensor(${this.dtype}, [${this.shape.join(", ")}], ${this.device})`;
  }
}

setTensorMaker((handle) => new Tensor(handle));

/**
 * A tensor with a copy of a typed array's elements. `dtype` says what 16-bit or byte arrays mean. A copy to a GPU is
 * queued, and this call does not wait for it.
 */
export function fromTypedArray(
  data: TypedArray,
  shape: readonly number[],
  { dtype = dtypeOfArray(data), device = "cpu" }: { dtype?: DType; device?: string } = {},
): Tensor {
  return new Tensor(native.fromBytes(data, shape, scalarType(dtype), device));
}

/**
 * A tensor of numbers: from a typed array (with its own type, or converted to `dtype`), or from nested arrays (float32
 * by default). The default device is the CPU. Throws if nested arrays are ragged.
 */
export function tensor(
  data: NestedNumbers | TypedArray,
  options: { dtype?: DType; shape?: readonly number[]; device?: string } = {},
): Tensor {
  if (ArrayBuffer.isView(data)) {
    const made = fromTypedArray(data, options.shape ?? [data.length], { device: options.device });
    if (options.dtype === undefined || options.dtype === made.dtype) return made;
    using original = made;
    return original.to({ dtype: options.dtype });
  }
  const shape: number[] = [];
  for (let level: NestedNumbers = data; typeof level !== "number"; level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const flat: number[] = [];
  flatten(data, 0, shape, flat);
  const { dtype = "float32", device } = options;
  using made = fromTypedArray(Float64Array.from(flat), options.shape ?? shape, { device });
  return made.to({ dtype });
}

function flatten(data: NestedNumbers, depth: number, shape: readonly number[], out: number[]): void {
  if (typeof data === "number") {
    if (depth !== shape.length)
      throw new TypeError("expected arrays of one depth, got a number in place of an array");
    out.push(data);
    return;
  }
  if (depth === shape.length)
    throw new TypeError("expected arrays of one depth, got an array in place of a number");
  if (data.length !== shape[depth]) {
    throw new TypeError(`expected rows of ${shape[depth]} elements, got one of ${data.length}`);
  }
  for (const item of data) flatten(item, depth + 1, shape, out);
}
