import { CheckpointError } from "../../base/errors.js";

/** A file that says to be PyTorch's and cannot be read as one. */
export function damaged(got: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    "damaged-pth",
    `Expected a whole file of PyTorch's torch.save, got ${got}.`,
    cause,
  );
}

/** Of another kind than files of weights. */
export function notPth(path: string, got: string): CheckpointError {
  return new CheckpointError("not-a-pth", `Expected a file of PyTorch's torch.save at ${path}, got ${got}.`);
}

/** A class or function that is neither a tensor's nor a dictionary's. */
export function foreign(name: string): CheckpointError {
  return new CheckpointError(
    "foreign-class",
    `Expected tensors, numbers and texts alone, got ${JSON.stringify(name.slice(0, 200))}, which only Python could make, by running code. ` +
      'Where you trust the file, write its weights alone in Python: torch.save(torch.load(FILE)["state_dict"], NEW)',
  );
}
