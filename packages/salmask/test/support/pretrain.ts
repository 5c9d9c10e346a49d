import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SalmaskError } from "../../src/base/errors.js";
import { type PretrainOptions, pretrain } from "../../src/tasks/pretrain/pretrain.js";

/** The error that ends a run. Throws if the run succeeds, or ends with another type of error. */
export async function failure(options: PretrainOptions): Promise<SalmaskError> {
  try {
    await pretrain(options);
  } catch (error) {
    if (error instanceof SalmaskError) return error;
    throw error;
  }
  throw new Error("expected the run to fail");
}

/** The bytes of a run's weights. */
export const weightsOf = (out: string): Buffer => readFileSync(join(out, "weights.safetensors"));
