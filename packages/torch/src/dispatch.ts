import type { NativeArgument } from "./native.js";
import type { Operator } from "./operator.js";
import type { Tensor } from "./tensor.js";

// The methods of Tensor are the operators, so this file cannot import the class. The class registers its constructor
// here.
let makeTensor: (handle: number) => Tensor;

/** @internal Called once, by the module that defines `Tensor`. */
export function setTensorMaker(make: (handle: number) => Tensor): void {
  makeTensor = make;
}

/** Calls an operator that returns one tensor. */
export function callTensor(operator: Operator, ...args: NativeArgument[]): Tensor {
  const result = operator.call(...args);
  if (typeof result !== "number") throw new TypeError(`${operator.name} returned no tensor`);
  return makeTensor(result);
}

/** Calls an operator that returns several tensors, as a list or as a tuple. */
export function callTensors(operator: Operator, ...args: NativeArgument[]): Tensor[] {
  const result = operator.call(...args);
  if (!Array.isArray(result)) throw new TypeError(`${operator.name} returned no list of tensors`);
  return result.map((handle: number) => makeTensor(handle));
}

/** Calls an operator that returns a number. */
export function callNumber(operator: Operator, ...args: NativeArgument[]): number {
  const result = operator.call(...args);
  if (typeof result === "boolean") return Number(result);
  if (typeof result !== "number") throw new TypeError(`${operator.name} returned no number`);
  return result;
}

/** Calls an operator for its effect on its arguments. */
export function callVoid(operator: Operator, ...args: NativeArgument[]): void {
  operator.call(...args);
}

export function handles(tensors: readonly Tensor[]): number[] {
  return tensors.map((tensor) => tensor.handle);
}

export function optionalHandles(tensors: readonly (Tensor | null)[]): (number | null)[] {
  return tensors.map((tensor) => (tensor === null ? null : tensor.handle));
}

/** undefined selects the operator's default; null is None. */
export function optionalHandle(tensor: Tensor | null | undefined): number | null | undefined {
  return tensor === null || tensor === undefined ? tensor : tensor.handle;
}
