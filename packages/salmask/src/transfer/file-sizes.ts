import { dirname, join } from "node:path";
import { statusOf } from "../base/files.js";

/**
 * Bytes of the files in a folder, each looked up once. With the names they tell photos from others without reading them: millions take
 * seconds, and a copy elsewhere is the same.
 */
export class FileSizes {
  private readonly known = new Map<string, number>();

  constructor(private readonly folder: string) {}

  /** Of a record such as `data_batch_1.bin/000017`, the bytes of the file that holds it; -1 where there is no file. */
  of(name: string): number {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const path = join(this.folder, name);
    const bytes = (statusOf(path) ?? statusOf(dirname(path)))?.size ?? -1;
    this.known.set(name, bytes);
    return bytes;
  }
}
