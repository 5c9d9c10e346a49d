/** What the tests of the trainer share: a plan of four epochs of three steps, checkpoints, and errors. */
import { SalmaskError } from "../../src/base/errors.js";
import type { Checkpoints, TrainOptions } from "../../src/training/trainer.js";
import { temporaryFolder } from "../support/photos.js";

export const epochs = 4;
export const stepsPerEpoch = 3;
export const steps = epochs * stepsPerEpoch;

/** The options of a training on which nothing special is tested. */
export const usual: TrainOptions = { epochs, logEvery: 1 };

export async function checkpointsIn(folder?: string): Promise<Checkpoints> {
  const identity = () => ({ dataFingerprint: "photos", config: { seed: 1 }, seconds: 2 });
  return { folder: folder ?? (await temporaryFolder()), every: 1, keep: 9, identity };
}

/** The error that ends the training. */
export async function failure(training: Promise<unknown>): Promise<SalmaskError> {
  const error: unknown = await training.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SalmaskError) return error;
  throw new Error(`expected training to fail, got ${error}`);
}
