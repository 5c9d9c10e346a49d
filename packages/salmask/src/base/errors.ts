/**
 * The tree of errors a user can meet. Each has a `code` for programs, an `exitCode` for shells, and a message
 * that says what was expected, of what, and what it got, with the command that mends it where one is known.
 */
export class SalmaskError extends Error {
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** Wrong options, configuration or file given to a command; nothing was started. Exit code 2. */
export class UsageError extends SalmaskError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { exitCode: 2, cause });
  }
}

/** The photos, archive or cache cannot be used. */
export class DataError extends SalmaskError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** A checkpoint or weights file is damaged, missing or of another model. */
export class CheckpointError extends SalmaskError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** Training cannot go on: the loss is not finite, or the disk is full. */
export class TrainingError extends SalmaskError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** The user stopped what was going on; the message says what is kept. Exit code 130. */
export class InterruptedError extends SalmaskError {
  constructor(message: string) {
    super("interrupted", message, { exitCode: 130 });
  }
}
