/**
 * The errors that a user can meet. Each has a `code` for programs, an `exitCode` for shells, and a message that says
 * what was expected and what the program got, with the command that fixes it if there is one.
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

/** A command got wrong options, settings or files; nothing was started. Exit code 2. */
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

/** A checkpoint or a weights file is damaged, missing, or belongs to another model. */
export class CheckpointError extends SalmaskError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** Training cannot continue: the loss is not finite, or the disk is full. */
export class TrainingError extends SalmaskError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** The user stopped the work; the message says what is kept. Exit code 130. */
export class InterruptedError extends SalmaskError {
  constructor(message: string) {
    super("interrupted", message, { exitCode: 130 });
  }
}

/** What an error of any kind says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
