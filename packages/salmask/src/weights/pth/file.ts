/** A file of which no byte outside is read. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { messageOf } from "../../base/errors.js";
import { damaged, notPth } from "./fault.js";

export class BoundedFile implements Disposable {
  readonly size: number;
  private readonly descriptor: number;

  /** Throws CheckpointError `not-a-pth` where there is no file. */
  constructor(path: string) {
    // Before it is opened, which would wait for a pipe's other end.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) throw notPth(path, "no file");
    try {
      this.descriptor = openSync(path, "r");
    } catch (error) {
      throw notPth(path, messageOf(error));
    }
    this.size = fstatSync(this.descriptor).size;
  }

  /** The bytes from `from` on. Throws CheckpointError `damaged-pth` before anything is allocated where the file ends before. */
  read(from: number, length: number): Buffer {
    const isInside = Number.isSafeInteger(from) && Number.isSafeInteger(length) && from >= 0 && length >= 0;
    if (!isInside || from + length > this.size)
      throw damaged(`${length} bytes from byte ${from} on, in a file of ${this.size}`);
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const got = readSync(this.descriptor, bytes, done, length - done, from + done);
      if (got === 0) throw damaged("a file that became shorter");
      done += got;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}
