import { SalmaskError } from "../base/errors.js";
import { explainStorage } from "./storage-fault.js";

/** Where a command writes; tests give their own. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
}

/**
 * The process's own. Whoever reads may go away, as `head` does, and the disk of a log may be full: what is said then is
 * lost, and the work goes on.
 */
export function processStreams(): Streams {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}

function ignore(): void {}

/** An error of ours or of the engine, which is not imported for it: it may not be built. */
const isExpected = (error: unknown): error is Error & { code: string } =>
  error instanceof SalmaskError ||
  (error instanceof Error && error.name === "EngineError" && "code" in error);

/** How a command speaks: with `--json` one document on standard output, and people's text on standard error. */
export class Output {
  constructor(
    private readonly streams: Streams,
    private readonly json: boolean,
  ) {}

  /** A line for people. */
  readonly line = (text: string): void => {
    if (this.json) this.streams.err(`${text}\n`);
    else this.streams.out(`${text}\n`);
  };

  /** The command's result: the document, or the lines that say the same to people. */
  result(document: unknown, lines: readonly string[]): void {
    if (this.json) this.streams.out(`${JSON.stringify(document, null, 2)}\n`);
    else for (const line of lines) this.streams.out(`${line}\n`);
  }

  /** What went wrong, and the exit code that says so. */
  failure(cause: unknown): number {
    const error = explainStorage(cause);
    const isOurs = isExpected(error);
    const message = error instanceof Error ? error.message : String(error);
    const code = isOurs ? error.code : "unexpected";
    if (this.json) this.streams.out(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
    this.streams.err(`salmask: ${message}\n`);
    if (!isOurs && error instanceof Error && error.stack !== undefined) this.streams.err(`${error.stack}\n`);
    return error instanceof SalmaskError ? error.exitCode : 1;
  }
}
