import type { ShardFile } from "./shard-file.js";

/**
 * Reads small pieces of a file from its start to its end. What is read at once grows while the pieces lie close together, and shrinks
 * where much is skipped between them.
 */
export class ReadingWindow {
  private from = 0;
  private content: Buffer = Buffer.alloc(0);
  private width: number;

  constructor(
    private readonly file: ShardFile,
    private readonly signal?: AbortSignal,
  ) {
    this.width = file.window.least;
  }

  /** `length` bytes from `offset`, both within the file. */
  async bytes(offset: number, length: number): Promise<Buffer> {
    const end = this.from + this.content.length;
    if (offset < this.from || offset + length > end) {
      const { least, most } = this.file.window;
      const skipped = offset - end;
      this.width = skipped < this.width ? Math.min(most, 2 * this.width) : Math.max(least, this.width / 2);
      const wanted = Math.min(Math.max(length, this.width), this.file.bytes - offset);
      this.content = await this.file.read(offset, wanted, this.signal);
      this.from = offset;
    }
    const start = offset - this.from;
    return this.content.subarray(start, start + length);
  }
}
