import { statSync } from "node:fs";
import { arrayFor, type DType } from "./dtype.js";
import { EngineError } from "./native.js";
import * as ops from "./ops.generated.js";
import type { Generator } from "./random.js";
import type { Tensor } from "./tensor.js";

interface FactoryOptions {
  /** float32 where nothing is said. */
  dtype?: DType;
  device?: string;
}

export function empty(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return ops.empty(shape, { dtype: "float32", ...options });
}

export function zeros(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return ops.zeros(shape, { dtype: "float32", ...options });
}

export function ones(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return ops.ones(shape, { dtype: "float32", ...options });
}

/** float32 for whole numbers too: JavaScript's `1` and `1.0` are one number. */
export function full(shape: readonly number[], value: number, options: FactoryOptions = {}): Tensor {
  return ops.full(shape, value, { dtype: "float32", ...options });
}

/** The whole numbers from `start` (0 where one argument is given) to below `end`, as int64 unless told. */
export function arange(start: number, end?: number, options: FactoryOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  return ops.arange(from, to, { dtype: "int64", ...options });
}

/** Standard normal numbers, drawn from `generator`: without one a run could not be repeated. */
export function randn(shape: readonly number[], options: { generator: Generator; dtype?: DType }): Tensor {
  const out = empty(shape, { dtype: options.dtype });
  ops.normal_(out, { generator: options.generator });
  return out;
}

/** Uniform numbers in [0, 1), drawn from `generator`. */
export function rand(shape: readonly number[], options: { generator: Generator; dtype?: DType }): Tensor {
  const out = empty(shape, { dtype: options.dtype });
  ops.uniform_(out, { generator: options.generator });
  return out;
}

/**
 * A file's first elements as a flat tensor `[numel]`, mapped and not read: pages are read when they are touched, and writes
 * to the tensor stay in this process. Throws an {@link EngineError} `short-file` where the file holds fewer elements, and
 * `not-a-file` where it is a folder or a device. Whoever shortens the file afterwards ends this process (SIGBUS).
 */
export function mapFile(path: string, numel: number, dtype: DType = "uint8"): Tensor {
  if (!Number.isSafeInteger(numel) || numel < 1)
    throw new RangeError(`Expected a whole number of elements from 1 to map ${path}, got ${numel}.`);
  const file = statSync(path);
  if (!file.isFile())
    throw new EngineError("not-a-file", `Expected a file to map, got ${path}, which is none.`);
  const bytes = numel * arrayFor(dtype, 1).byteLength;
  if (file.size < bytes) {
    throw new EngineError(
      "short-file",
      `Expected a file of at least ${bytes} bytes (${numel} of ${dtype}), got ${path} of ${file.size}.`,
    );
  }
  return ops.fromFile(path, { shared: false, size: numel, dtype });
}
