import { SalmaskError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import { renderer } from "./render.js";
import { explainStorage } from "./storage-fault.js";

/** Where a command writes; tests give their own. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
  /** Whether people's text goes to a terminal, where a line can be replaced. */
  readonly isTerminal?: boolean;
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
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
  };
}

function ignore(): void {}

/** An error of ours or of the engine, which is not imported for it: it may not be built. */
const isExpected = (error: unknown): error is Error & { code: string } =>
  error instanceof SalmaskError ||
  (error instanceof Error && error.name === "EngineError" && "code" in error);

/** To the line's beginning, and what was there is gone. */
const clearLine = "\r\x1b[2K";

/** How a command speaks: with `--json` one document on standard output, and people's text on standard error. */
export class Output {
  private unfinished = false;

  constructor(
    private readonly streams: Streams,
    private readonly json: boolean,
  ) {
    this.report = renderer({
      line: this.line,
      bar: streams.isTerminal === true ? (text) => this.bar(text) : null,
      now: () => performance.now() / 1000,
    });
  }

  /** What happens, for people. */
  readonly report: Report;

  /** A line for people. */
  readonly line = (text: string): void => this.write(`${this.unfinished ? clearLine : ""}${text}\n`, false);

  /** A line that the next one takes the place of. */
  private bar(text: string): void {
    this.write(`${clearLine}${text}`, true);
  }

  private write(text: string, unfinished: boolean): void {
    this.unfinished = unfinished;
    if (this.json) this.streams.err(text);
    else this.streams.out(text);
  }

  /** The command's result: the document, or the lines that say the same to people. */
  result(document: unknown, lines: readonly string[]): void {
    if (this.json) this.streams.out(`${JSON.stringify(document, null, 2)}\n`);
    else for (const line of lines) this.line(line);
  }

  /** What went wrong, and the exit code that says so. */
  failure(cause: unknown): number {
    const error = explainStorage(cause);
    const isOurs = isExpected(error);
    const message = error instanceof Error ? error.message : String(error);
    const code = isOurs ? error.code : "unexpected";
    if (this.json) this.streams.out(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
    // What was going on stays above what ended it.
    if (this.unfinished) this.write("\n", false);
    this.streams.err(`salmask: ${message}\n`);
    if (!isOurs && error instanceof Error && error.stack !== undefined) this.streams.err(`${error.stack}\n`);
    return error instanceof SalmaskError ? error.exitCode : 1;
  }
}
