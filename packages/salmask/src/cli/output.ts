import { messageOf, SalmaskError } from "../base/errors.js";
import type { Report } from "../base/events.js";
import { renderer } from "./render.js";
import { explainStorage } from "./storage-fault.js";

/** Where a command writes; tests pass their own streams. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
  /** Whether text for people goes to a terminal, where a line can be replaced. */
  readonly isTerminal?: boolean;
  /** Characters of the terminal's line; undefined where it is not known. */
  columns?(): number | undefined;
}

/**
 * The streams of the process. If the reader closes its end, as `head` does, or the disk of a log is full, the text is
 * lost but the work continues.
 */
export function processStreams(): Streams {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
    columns: () => process.stdout.columns,
  };
}

function ignore(): void {}

/** Errors of this project. The engine's are recognised without importing it, because it may not be built. */
const isExpected = (error: unknown): error is Error & { code: string } =>
  error instanceof SalmaskError ||
  (error instanceof Error && ["EngineError", "DistributedError"].includes(error.name) && "code" in error);

/** Returns to the start of the line and clears it. */
const clearLine = "\r\x1b[2K";

/**
 * The output of a command. With `--json`, standard output gets one document, and standard error gets the text for
 * people.
 */
export class Output {
  private unfinished = false;
  private isHushed = false;

  constructor(
    private readonly streams: Streams,
    private readonly json: boolean,
  ) {
    this.report = this.reporter(null);
  }

  /** From now on says nothing but errors: for processes that work together with one that speaks for them. */
  hush(): void {
    this.isHushed = true;
  }

  /** Shows events to people. */
  readonly report: Report;

  /** Like {@link report}, and says `ifLong` where training is estimated to take an hour or more. */
  reporter(ifLong: string | null): Report {
    const bar = this.streams.isTerminal === true ? (text: string) => this.bar(text) : null;
    return renderer({ line: this.line, bar, now: () => performance.now() / 1000 }, ifLong);
  }

  /** Writes a line for people. */
  readonly line = (text: string): void => this.write(`${this.unfinished ? clearLine : ""}${text}\n`, false);

  /** Writes a line that the next one replaces. What goes on in a second line of the terminal could not be replaced. */
  private bar(text: string): void {
    const { columns = Number.POSITIVE_INFINITY } = { columns: this.streams.columns?.() };
    this.write(`${clearLine}${text.slice(0, Math.max(1, columns - 1))}`, true);
  }

  private write(text: string, unfinished: boolean): void {
    if (this.isHushed) return;
    this.unfinished = unfinished;
    if (this.json) this.streams.err(text);
    else this.streams.out(text);
  }

  /** Writes the command's result: the document, or lines with the same content for people. */
  result(document: unknown, lines: readonly string[]): void {
    if (this.isHushed) return;
    if (this.json) this.streams.out(`${JSON.stringify(document, null, 2)}\n`);
    else for (const line of lines) this.line(line);
  }

  /** Writes an error and returns its exit code. */
  failure(cause: unknown): number {
    const error = explainStorage(cause);
    const isOurs = isExpected(error);
    const message = messageOf(error);
    const code = isOurs ? error.code : "unexpected";
    if (this.json && !this.isHushed)
      this.streams.out(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
    // Keeps the last progress line above the error.
    if (this.unfinished) this.write("\n", false);
    this.streams.err(`salmask: ${message}\n`);
    if (!isOurs && error instanceof Error && error.stack !== undefined) this.streams.err(`${error.stack}\n`);
    return error instanceof SalmaskError ? error.exitCode : 1;
  }
}
