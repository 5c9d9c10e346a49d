/**
 * Scopes free tensors. A synchronous training loop never lets the garbage collector run finalizers, so memory is freed
 * by program structure: a tensor that is made in a scope is freed at its end, unless it is returned or kept. The
 * finalization registry only frees tensors that no scope owns.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { native } from "./native.js";
import type { Tensor } from "./tensor.js";

class Scope {
  readonly tensors: Tensor[] = [];
  closed = false;
}

let innermost: Scope | undefined;
const asyncScope = new AsyncLocalStorage<Scope>();
const net = new FinalizationRegistry<number>((handle) => native.release(handle));

function current(): Scope | undefined {
  return innermost ?? asyncScope.getStore();
}

/** Adds a new tensor to the current scope, or to the finalization registry outside every scope. */
export function adopt(tensor: Tensor, handle: number): void {
  const scope = current();
  // Timers and promises that were begun in an asynchronous scope still see it when it has ended.
  if (scope === undefined || scope.closed) net.register(tensor, handle, tensor);
  else scope.tensors.push(tensor);
}

/** Removes a tensor that was freed explicitly from the finalization registry. */
export function forget(tensor: Tensor): void {
  net.unregister(tensor);
}

const kept = new WeakSet<Tensor>();

/** Removes a tensor from every scope: it lives until `dispose`, or until nothing refers to it. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  if (!kept.has(tensor)) {
    kept.add(tensor);
    // A tensor made outside every scope is registered already; a second entry would free its handle twice.
    net.unregister(tensor);
    net.register(tensor, tensor.handle, tensor);
  }
  return tensor;
}

/** Calls `visit` for each tensor in a value: a tensor, an array, a map, a plain object, or any nesting of these. */
function forEachTensor(value: unknown, visit: (tensor: object) => void, seen = new Set<object>()): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if ("handle" in value && "dispose" in value) visit(value);
  else if (ArrayBuffer.isView(value)) return;
  else if (value instanceof Map) for (const item of value.values()) forEachTensor(item, visit, seen);
  else for (const item of Object.values(value)) forEachTensor(item, visit, seen);
}

function close(scope: Scope, result: unknown, parent: Scope | undefined): void {
  scope.closed = true;
  const returned = new Set<object>();
  forEachTensor(result, (tensor) => returned.add(tensor));
  for (const tensor of scope.tensors) {
    if (tensor.disposed || kept.has(tensor)) continue;
    if (!returned.has(tensor)) tensor.dispose();
    else if (parent === undefined || parent.closed) keep(tensor);
    else parent.tensors.push(tensor);
  }
}

/**
 * Runs `fn` and frees every tensor made inside, except those in the return value and those passed to {@link keep}.
 * Returned tensors belong to the surrounding scope. Throws a `TypeError` if `fn` returns a promise: use
 * {@link scopeAsync} instead.
 */
export function scope<T>(fn: () => T): T {
  const parent = current();
  const outer = innermost;
  const own = new Scope();
  innermost = own;
  let result: T | undefined;
  try {
    result = fn();
    if (result instanceof Promise)
      throw new TypeError("scope() expected a synchronous function; use scopeAsync()");
    return result;
  } finally {
    innermost = outer;
    close(own, result, parent);
  }
}

/** {@link scope} for an async function. Scopes of functions that run at the same time stay separate. */
export async function scopeAsync<T>(fn: () => Promise<T>): Promise<T> {
  const parent = current();
  const own = new Scope();
  let result: T | undefined;
  try {
    const started = asyncScope.run(own, () => {
      const outer = innermost;
      innermost = undefined;
      try {
        return fn();
      } finally {
        innermost = outer;
      }
    });
    result = await started;
    return result;
  } finally {
    close(own, result, parent);
  }
}

/** The number of live tensors that JavaScript holds, and the bytes of their distinct storages. */
export function liveTensors(): { count: number; bytes: number } {
  return { count: native.liveCount(), bytes: native.liveBytes() };
}
