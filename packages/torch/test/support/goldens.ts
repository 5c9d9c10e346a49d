/** Goldens: tensors that PyTorch computes during the tests, in a Python script beside the test. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromTypedArray, type Tensor } from "@salmask/torch";
import { expect } from "vitest";
import { runPython } from "./run-python.js";

const here = fileURLToPath(new URL("../goldens", import.meta.url));

interface Manifest {
  torch: string;
  tensors: Record<string, { shape: number[]; offset: number }>;
}

/** The output of a script. */
export class Goldens {
  private constructor(
    private readonly manifest: Manifest,
    private readonly data: Buffer,
  ) {}

  /** Runs a script with a new folder as its first argument and reads the files that it writes there. */
  static make(script: URL, ...args: string[]): Goldens {
    const folder = mkdtempSync(join(tmpdir(), "salmask-goldens-"));
    try {
      runPython({ script: fileURLToPath(script), args: [folder, ...args], path: [here] });
      const manifest: Manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
      return new Goldens(manifest, readFileSync(join(folder, "tensors.bin")));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** The names with the prefix `prefix`, without it, in the script's order. */
  names(prefix: string): string[] {
    return Object.keys(this.manifest.tensors)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }

  shape(name: string): number[] {
    const entry = this.manifest.tensors[name];
    if (entry === undefined) throw new Error(`the script wrote no ${name}`);
    return entry.shape;
  }

  array(name: string): Float32Array {
    const numel = this.shape(name).reduce((product, side) => product * side, 1);
    const start = this.data.byteOffset + this.manifest.tensors[name].offset;
    return new Float32Array(this.data.buffer.slice(start, start + 4 * numel));
  }

  tensor(name: string): Tensor {
    return fromTypedArray(this.array(name), this.shape(name));
  }

  /** The tensors with the prefix `prefix`, by the rest of their names. */
  tensors(prefix: string): Record<string, Tensor> {
    return Object.fromEntries(this.names(prefix).map((name) => [name, this.tensor(prefix + name)]));
  }

  /** Checks that a tensor has the golden's shape and a {@link relativeError} of at most `tolerance`. */
  expectClose(actual: Tensor, name: string, tolerance: number): void {
    expect(actual.shape, `${name}: shape`).toEqual(this.shape(name));
    const error = relativeError(actual.toFloat32Array(), this.array(name));
    expect(error, `${name}: relative error`).toBeLessThanOrEqual(tolerance);
  }
}

/** Norm of the difference divided by the norm of the expected values (by 1 if all of them are 0). */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    size += expected[i] ** 2;
  }
  const error = Math.sqrt(difference) / (size > 0 ? Math.sqrt(size) : 1);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
