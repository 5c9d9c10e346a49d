import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SalmaskError } from "../../src/base/errors.js";
import { type PretrainOptions, pretrain } from "../../src/tasks/pretrain/pretrain.js";

/** The error that a run ends with. Throws where it ends well, or with an error of another kind. */
export async function failure(options: PretrainOptions): Promise<SalmaskError> {
  try {
    await pretrain(options);
  } catch (error) {
    if (error instanceof SalmaskError) return error;
    throw error;
  }
  throw new Error("expected the run to fail");
}

/** The bytes of the weights that a run left. */
export const weightsOf = (out: string): Buffer => readFileSync(join(out, "weights.safetensors"));
