/**
 * Scopes free tensors. A synchronous training loop never gives the garbage collector a turn, so memory has to
 * be returned by structure: what is made in a scope dies with it, unless it is returned or kept. The finalizer
 * registry is only the net under tensors made outside every scope.
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

/** Gives a new tensor to the scope it is made in, or to the net where there is none. */
export function adopt(tensor: Tensor, handle: number): void {
  const scope = current();
  if (scope === undefined) net.register(tensor, handle, tensor);
  else scope.tensors.push(tensor);
}

/** The net forgets a tensor that was freed by hand. */
export function forget(tensor: Tensor): void {
  net.unregister(tensor);
}

const kept = new WeakSet<Tensor>();

/** Takes a tensor out of every scope: it lives until `dispose`, or until nothing refers to it. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  if (!kept.has(tensor)) {
    kept.add(tensor);
    // Made outside every scope, it is in the net already, and a second entry would free its handle twice.
    net.unregister(tensor);
    net.register(tensor, tensor.handle, tensor);
  }
  return tensor;
}

/** Calls `visit` on each tensor in a value: a tensor, an array, a map, a plain object, or a nest of them. */
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
 * Runs `fn` and frees every tensor made inside, except those in what it returns and those given to {@link keep}.
 * Returned tensors belong to the scope around. Throws a `TypeError` where `fn` returns a promise: use
 * {@link scopeAsync} there.
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

/** {@link scope} for a function that awaits; scopes of functions that run meanwhile stay apart. */
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

/** Live tensors that JavaScript holds, and the bytes of their distinct storages. */
export function liveTensors(): { count: number; bytes: number } {
  return { count: native.liveCount(), bytes: native.liveBytes() };
}
