/** Runs goldens.py with a Python that has torchvision, and reads its results. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromTypedArray, type Tensor } from "@salmask/torch";
import { runPython } from "../../../torch/test/support/run-python.js";

interface Stored {
  file: string;
  shape: number[];
}

interface Case<Params> {
  op: string;
  params: Params;
  input: Stored;
  output: Stored;
}

/** One case with its tensors; use it inside a scope. */
export interface Golden<Params> {
  params: Params;
  input: Tensor;
  output: Tensor;
}

/** The results of one run of goldens.py. */
export class Goldens {
  private readonly folder = mkdtempSync(join(tmpdir(), "salmask-augment-"));
  private readonly cases: Case<never>[];

  constructor(request: { views: unknown[] }) {
    writeFileSync(join(this.folder, "request.json"), JSON.stringify(request));
    const script = fileURLToPath(new URL("goldens.py", import.meta.url));
    runPython({ script, args: [this.folder] });
    this.cases = JSON.parse(readFileSync(join(this.folder, "goldens.json"), "utf8"));
  }

  /** Every case of an operation. Throws if there is none, so that no test passes without a comparison. */
  of<Params>(op: string): Golden<Params>[] {
    const found: Case<Params>[] = this.cases.filter((one) => one.op === op);
    if (found.length === 0) throw new Error(`goldens.py wrote no case of ${op}`);
    return found.map(({ params, input, output }) => ({
      params,
      input: this.load(input),
      output: this.load(output),
    }));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  private load({ file, shape }: Stored): Tensor {
    const bytes = readFileSync(join(this.folder, file));
    if (file.endsWith(".u8")) return fromTypedArray(new Uint8Array(bytes), shape);
    const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return fromTypedArray(new Float32Array(copy), shape);
  }
}

/** The largest absolute difference of two tensors of the same shape. */
export function maxDifference(ours: Tensor, theirs: Tensor): number {
  if (ours.shape.join() !== theirs.shape.join()) throw new Error(`expected ${theirs}, got ${ours}`);
  const [a, b] = [ours.toFloat32Array(), theirs.toFloat32Array()];
  // A NaN anywhere makes the result NaN, which fails every comparison with a tolerance.
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
