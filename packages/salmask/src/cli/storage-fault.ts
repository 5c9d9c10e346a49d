import { SalmaskError } from "../base/errors.js";

/** What the file system's refusals mean to people, by the code that Node gives them. */
const meanings: Record<string, { code: string; came: string; mend: string }> = {
  ENOSPC: {
    code: "disk-full",
    came: "the disk is full",
    mend: "Free some space. A run loses nothing: the same command with --resume goes on from its last checkpoint",
  },
  EDQUOT: {
    code: "disk-full",
    came: "the quota is used up",
    mend: "Free some space. A run loses nothing: the same command with --resume goes on from its last checkpoint",
  },
  EACCES: {
    code: "not-allowed",
    came: "access was refused",
    mend: "Name another folder, or change its rights",
  },
  EPERM: {
    code: "not-allowed",
    came: "access was refused",
    mend: "Name another folder, or change its rights",
  },
  EROFS: { code: "not-allowed", came: "it can only be read", mend: "Name another folder" },
  ENOTDIR: { code: "no-folder", came: "a part of the path is a file", mend: "Name another folder" },
};

/** A refusal of the file system as an error that names the file and what to do; anything else as it came. */
export function explainStorage(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SalmaskError || !("code" in error)) return error;
  const meaning = meanings[String(error.code)];
  if (meaning === undefined) return error;
  const file = "path" in error ? `${error.path}` : "the run's files";
  const { code, came, mend } = meaning;
  return new SalmaskError(code, `Expected to use ${file}, but ${came}. ${mend}.`, { cause: error });
}
