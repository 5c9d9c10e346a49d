/** Reads a run's log as it grows: each byte once, and from the start where a resumed run has written it anew. */
import { readSync } from "node:fs";
import { parseLogLine } from "../runs/metrics-log.js";
import { type OpenFile, openInside } from "./inside.js";
import { LogColumns } from "./log-columns.js";

/** Bytes that are read before others get their turn: some two hundred lines. */
const pieceBytes = 64 * 1024;
const lineEnd = 10;

export class LogTail {
  columns = new LogColumns();
  /** Whether all that the file held has been read. */
  isComplete = false;
  private offset = 0;
  private rest: Buffer = Buffer.alloc(0);
  private inode = 0;
  private reading: Promise<void> | null = null;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {}

  /** Reads what is new, and resolves when that is done. A call during another one waits for it. */
  read(): Promise<void> {
    this.isComplete = false;
    this.reading ??= this.readOn().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async readOn(): Promise<void> {
    using file = openInside(this.folder, this.name);
    if (file !== null) await this.readNew(file);
    this.isComplete = true;
  }

  private async readNew({ descriptor, stats: { size, ino } }: OpenFile): Promise<void> {
    if (ino !== this.inode || size < this.offset) this.restart(ino);
    const piece = Buffer.alloc(Math.min(pieceBytes, size - this.offset));
    while (this.offset < size) {
      const bytesRead = readSync(descriptor, piece, 0, piece.length, this.offset);
      if (bytesRead === 0) break;
      this.take(piece.subarray(0, bytesRead));
      // Parsing holds up every request; between pieces they are answered.
      await new Promise(setImmediate);
    }
  }

  private restart(inode: number): void {
    this.columns = new LogColumns();
    this.offset = 0;
    this.rest = Buffer.alloc(0);
    this.inode = inode;
  }

  /** Takes the lines that end in these bytes. One that is none of a log, as where a machine stopped in it, is left out. */
  private take(bytes: Buffer): void {
    this.offset += bytes.length;
    const text = Buffer.concat([this.rest, bytes]);
    const end = text.lastIndexOf(lineEnd) + 1;
    this.rest = text.subarray(end);
    for (const line of text.toString("utf8", 0, end).split("\n")) {
      const entry = line === "" ? null : parseLogLine(line);
      if (entry !== null) this.columns.add(entry);
    }
  }
}
