import { type DType, scalarType } from "./dtype.js";
import { native } from "./native.js";

function withGrad<T>(on: boolean, fn: () => T): T {
  const before = native.gradEnabled();
  native.setGradEnabled(on);
  try {
    return fn();
  } finally {
    native.setGradEnabled(before);
  }
}

/** Runs `fn` without recording for `backward`. */
export function noGrad<T>(fn: () => T): T {
  return withGrad(false, fn);
}

/** Runs `fn` with recording for `backward`, also inside a `noGrad`. */
export function enableGrad<T>(fn: () => T): T {
  return withGrad(true, fn);
}

/** Whether operators currently record for `backward`. */
export function isGradEnabled(): boolean {
  return native.gradEnabled();
}

// libtorch's code of the current element type, per device.
const autocasts = new Map<string, number>();

function setAutocast(device: string, type: number | undefined): void {
  const before = autocasts.get(device);
  if (type === undefined) autocasts.delete(device);
  else autocasts.set(device, type);
  native.setAutocast(device, type !== undefined, type ?? before ?? scalarType("bfloat16"));
}

/** Runs `fn` with libtorch's automatic mixed precision on `device` (`cpu` or `cuda`), in `dtype`. Calls can be nested. */
export function autocast<T>(options: { device: string; dtype?: DType }, fn: () => T): T {
  const before = autocasts.get(options.device);
  setAutocast(options.device, scalarType(options.dtype ?? "bfloat16"));
  try {
    return fn();
  } finally {
    setAutocast(options.device, before);
  }
}
