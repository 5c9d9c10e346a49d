import { SalmaskError } from "../base/errors.js";

interface Meaning {
  code: string;
  got: string;
  mend: string;
}

const freeSpace =
  "Free some space; where the run has written a checkpoint, the same command with --resume goes on from it";
const otherFolder = "Name another folder";
const noAccess = {
  code: "not-allowed",
  got: "no access to it",
  mend: `${otherFolder}, or change its rights`,
};
const fewFiles = {
  code: "too-many-files",
  got: "no more open files allowed",
  mend: "Raise the limit: ulimit -n 4096",
};

const noFolder = {
  code: "not-allowed",
  got: "a place where no folder can be made, such as a file system that can only be read",
  mend: otherFolder,
};

/** Explanations of file system errors, by Node's error code. */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: { code: "disk-full", got: "a full disk", mend: freeSpace },
  EDQUOT: { code: "disk-full", got: "a quota that is used up", mend: freeSpace },
  EACCES: noAccess,
  EPERM: noAccess,
  EROFS: { code: "not-allowed", got: "a file system that can only be read", mend: otherFolder },
  ENOTDIR: { code: "no-folder", got: "a path with a file where a folder should be", mend: otherFolder },
  EISDIR: { code: "no-file", got: "a folder", mend: "Name a file" },
  ENAMETOOLONG: { code: "name-too-long", got: "a name that is too long", mend: "Name it shorter" },
  EFBIG: {
    code: "file-too-large",
    got: "a limit on the size of files",
    mend: "Raise the limit: ulimit -f unlimited",
  },
  EMFILE: fewFiles,
  ENFILE: fewFiles,
  EIO: {
    code: "input-output",
    got: "a fault of the device",
    mend: "Check the disk, or name a folder on another",
  },
};

/**
 * Making a folder and those around it fails as if there were nothing to make it in, whatever the reason: Node looks for the
 * folder then, and says that it did not find it.
 */
const isUnmakeable = (error: Error): boolean =>
  "code" in error && error.code === "ENOENT" && "syscall" in error && error.syscall === "mkdir";

/** Converts a file system error to one that names the file and says what to do. Other errors are returned unchanged. */
export function explainStorage(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SalmaskError || !("code" in error)) return error;
  const meaning = isUnmakeable(error) ? noFolder : meanings[String(error.code)];
  if (meaning === undefined) return error;
  const file = "path" in error ? `${error.path}` : "the run's files";
  const { code, got, mend } = meaning;
  return new SalmaskError(code, `Expected to use ${file}, got ${got}. ${mend}.`, { cause: error });
}
