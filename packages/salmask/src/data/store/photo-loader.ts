/** Photos at their full size, decoded ahead of the step that shows them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError, messageOf } from "../../base/errors.js";
import type { RgbImage } from "../../image/decode.js";
import { decodeWithin } from "../../image/decode-square.js";

export interface PhotoLoaderOptions {
  /** Absolute path that the names start from. */
  readonly root: string;
  /** `[N]`, with `/`. */
  readonly names: readonly string[];
  /** Bytes of decoded photos that are kept, so that a small set is decoded once; default: 1 GiB. */
  readonly keptBytes?: number;
}

interface Held {
  readonly photo: Promise<RgbImage>;
  /** 0 until it is decoded. */
  bytes: number;
}

/**
 * Decodes photos while others are trained on. Photos that were asked for longest ago are forgotten first, when more than
 * `keptBytes` are held.
 */
export class PhotoLoader {
  /** By number, the one that was asked for last at the end. */
  private readonly held = new Map<number, Held>();
  private bytes = 0;

  constructor(private readonly options: PhotoLoaderOptions) {}

  /** Begins to decode photos that will be asked for. Faults are told where a photo is asked for. */
  prefetch(ids: Int32Array): void {
    for (const id of ids) this.start(id).photo.catch(() => undefined);
  }

  /** The photos, in the order of their ids. Throws a {@link DataError} `unreadable-photo` with the photo's name. */
  async photos(ids: Int32Array): Promise<RgbImage[]> {
    const found = await Promise.all(Array.from(ids, (id) => this.start(id).photo));
    this.forget();
    return found;
  }

  private start(id: number): Held {
    const before = this.held.get(id);
    this.held.delete(id);
    const held = before ?? { photo: this.decode(id), bytes: 0 };
    this.held.set(id, held);
    return held;
  }

  private async decode(id: number): Promise<RgbImage> {
    const name = this.options.names[id];
    try {
      const photo = await decodeWithin(await readFile(join(this.options.root, name)));
      const held = this.held.get(id);
      if (held !== undefined) {
        held.bytes = photo.data.byteLength;
        this.bytes += held.bytes;
      }
      return photo;
    } catch (error) {
      this.held.delete(id);
      const why = messageOf(error);
      throw new DataError(
        "unreadable-photo",
        `Expected a photo that can be decoded at ${name}, got: ${why}`,
        error,
      );
    }
  }

  private forget(): void {
    const { keptBytes = 2 ** 30 } = this.options;
    for (const [id, { bytes }] of this.held) {
      if (this.bytes <= keptBytes) return;
      if (bytes === 0) continue; // It is being decoded for a coming step.
      this.held.delete(id);
      this.bytes -= bytes;
    }
  }
}
