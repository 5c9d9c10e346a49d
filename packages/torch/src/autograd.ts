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

/** Runs `fn` recording for `backward`, inside a `noGrad` too. */
export function enableGrad<T>(fn: () => T): T {
  return withGrad(true, fn);
}

/** Whether operators record for `backward` now. */
export function isGradEnabled(): boolean {
  return native.gradEnabled();
}

/** Runs `fn` with libtorch's automatic mixed precision on `device` (`cpu` or `cuda`), in `dtype`. */
export function autocast<T>(options: { device: string; dtype?: DType }, fn: () => T): T {
  const type = scalarType(options.dtype ?? "bfloat16");
  native.setAutocast(options.device, true, type);
  try {
    return fn();
  } finally {
    native.setAutocast(options.device, false, type);
  }
}
