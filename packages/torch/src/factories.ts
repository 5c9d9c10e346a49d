import { statSync } from "node:fs";
import { arrayFor, type DType } from "./dtype.js";
import { EngineError } from "./native.js";
import * as ops from "./ops.generated.js";
import type { Generator } from "./random.js";
import type { Tensor } from "./tensor.js";

/** The type and the device of a new tensor. */
export interface FactoryOptions {
  /** Default: float32. */
  dtype?: DType;
  /** `cpu`, the default, or `cuda:0`. */
  device?: string;
}

/** A tensor whose values are not set. The default type is float32. */
export function empty(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return ops.empty(shape, { dtype: "float32", ...options });
}

/** A tensor of zeros. The default type is float32. */
export function zeros(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return ops.zeros(shape, { dtype: "float32", ...options });
}

/** A tensor of ones. The default type is float32. */
export function ones(shape: readonly number[], options: FactoryOptions = {}): Tensor {
  return ops.ones(shape, { dtype: "float32", ...options });
}

/** The default type is float32 for whole numbers too: in JavaScript `1` and `1.0` are the same number. */
export function full(shape: readonly number[], value: number, options: FactoryOptions = {}): Tensor {
  return ops.full(shape, value, { dtype: "float32", ...options });
}

/** The whole numbers from `start` (0 with one argument) up to, but not including, `end`. The default type is int64. */
export function arange(start: number, end?: number, options: FactoryOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  return ops.arange(from, to, { dtype: "int64", ...options });
}

/** Standard normal numbers from `generator`. It is required, because without it a run could not be repeated. */
export function randn(shape: readonly number[], options: { generator: Generator; dtype?: DType }): Tensor {
  const out = empty(shape, { dtype: options.dtype });
  ops.normal_(out, { generator: options.generator });
  return out;
}

/** Uniform numbers in [0, 1) from `generator`. */
export function rand(shape: readonly number[], options: { generator: Generator; dtype?: DType }): Tensor {
  const out = empty(shape, { dtype: options.dtype });
  ops.uniform_(out, { generator: options.generator });
  return out;
}

/**
 * The first elements of a file as a flat tensor `[numel]`. The file is mapped, not read: a page is read when it is
 * first used, and writes to the tensor stay in this process. Throws an {@link EngineError} `short-file` if the file
 * holds fewer elements, and `not-a-file` if the path is a folder or a device. If another process shortens the file
 * later, this process ends (SIGBUS).
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
