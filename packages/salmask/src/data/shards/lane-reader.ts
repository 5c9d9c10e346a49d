import type { Lane } from "./epoch-plan.js";
import { type Chunk, chunksOf, readChunk } from "./reading.js";
import type { ShardSet } from "./shard-set.js";

type Contents = Promise<Map<number, Buffer>>;

/** Reads the photos of a lane in their order, one chunk after another, as far as it is told. */
export class LaneReader {
  private readonly chunks: Iterator<Chunk>;
  private next: Chunk | null;
  private at = 0;
  private last: Promise<unknown> = Promise.resolve();
  /** By number: the chunk that a photo is read with. */
  private readonly held = new Map<number, Contents>();
  private readonly since: Int32Array;

  /** Of the lane, the photos for which `isWanted`. */
  constructor(
    private readonly set: ShardSet,
    lane: Lane,
    isWanted: (id: number) => boolean,
    private readonly signal: AbortSignal,
  ) {
    const wanted = Int32Array.from(lane.entries.keys()).filter((place) => isWanted(lane.entries[place]));
    this.since = wanted.map((place) => lane.since[place]);
    this.chunks = chunksOf(
      set,
      wanted.map((place) => lane.entries[place]),
    );
    this.next = this.chunks.next().value ?? null;
  }

  /** Begins to read all photos that wait once `drawn` photos are drawn. */
  readUpTo(drawn: number): void {
    while (this.next !== null && this.since[this.at] <= drawn) {
      const chunk = this.next;
      const contents = this.last.then(() => readChunk(this.set, chunk, this.signal));
      // Faults are told where a photo is asked for.
      this.last = contents.catch(() => undefined);
      for (const id of chunk.ids) this.held.set(id, contents);
      this.at += chunk.ids.length;
      this.next = this.chunks.next().value ?? null;
    }
  }

  /** The file of a photo, which is given away; null if the lane has not begun to read it. */
  take(id: number): Promise<Buffer> | null {
    const contents = this.held.get(id);
    if (contents === undefined) return null;
    this.held.delete(id);
    return contents.then((files) => {
      const file = files.get(id);
      if (file === undefined) throw new RangeError(`expected photo ${id} in its chunk, got none`);
      files.delete(id);
      return file;
    });
  }

  /** Resolves when nothing is being read. */
  async settle(): Promise<void> {
    await this.last;
  }
}
