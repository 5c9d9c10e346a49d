/** Photos of shards as a stream: read in the order of an epoch, mixed, decoded ahead of the step that shows them. */

import { availableParallelism } from "node:os";
import { KeyedRandom } from "@salmask/torch";
import { mapConcurrent } from "../../base/concurrent.js";
import { DataError, messageOf } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";
import { type DecodedSquare, decodeSquare } from "../../image/decode-square.js";
import type { SkippedImage } from "../sources/image-source.js";
import type { OrderKey, PhotoStream, Release } from "../store/photo-stream.js";
import { type EpochPlan, type Mixing, planEpoch } from "./epoch-plan.js";
import { HeldSquares } from "./held-squares.js";
import { LaneReader } from "./lane-reader.js";
import { chunksOf, readChunk } from "./reading.js";
import type { ShardSet } from "./shard-set.js";
import { placesOf, type Share } from "./share.js";

export interface StreamOptions {
  /** Side of the squares in pixels. */
  readonly size: number;
  readonly mixing: Mixing;
  /** Decides by which photos broken ones are replaced. */
  readonly seed: number;
  readonly share: Share;
  readonly scratch: string;
  /** `[N, 2]`: takes the height and width of each photo that is decoded. */
  readonly originalSizes: Int32Array;
  /** `[N]`: takes the class of the photo that replaces a broken one. */
  readonly labels: Int32Array;
  /** Told once of each photo that cannot be decoded. */
  readonly onBroken?: (photo: SkippedImage) => void;
}

/** Steps whose photos are decoded while an earlier one is computed: one is decoded, one resized. */
const stepsAhead = 2;
/** Requests of photos that lie anywhere. */
const readersAtOnce = 8;
const decodersAtOnce = 2 * availableParallelism();
/** Photos that are tried in place of a broken one. */
const mostReplacements = 16;

interface Following {
  readonly key: OrderKey;
  readonly plan: EpochPlan;
  readers: readonly LaneReader[];
  /** The place in the order from which own photos are decoded next. */
  decodeFrom: number;
  /** Where the next step is expected to begin. */
  expected: number;
  readonly decoding: Map<number, Promise<DecodedSquare>>;
}

export class ShardStream implements PhotoStream {
  readonly broken: SkippedImage[] = [];
  private readonly brokenIds = new Set<number>();
  private readonly held: HeldSquares;
  private readonly abort = new AbortController();
  private following: Following | null = null;
  private readonly working = new Set<Promise<unknown>>();

  constructor(
    private readonly set: ShardSet,
    private readonly options: StreamOptions,
  ) {
    this.held = new HeldSquares(options.size, (id) => set.names[id]);
  }

  get scratch(): string {
    return this.options.scratch;
  }

  images(ids: ArrayLike<number>) {
    return this.held.images(ids);
  }

  order(key: OrderKey): Int32Array {
    const before = this.following;
    const isSame =
      before !== null &&
      before.key.seed === key.seed &&
      before.key.epoch === key.epoch &&
      before.key.batchSize === key.batchSize;
    if (isSame) return before.plan.order;
    const plan = planEpoch(this.set, key, this.options.mixing);
    this.following = {
      key,
      plan,
      readers: [],
      decodeFrom: 0,
      expected: -1,
      decoding: new Map(),
    };
    return plan.order;
  }

  async follow(ids: Int32Array, isLast: boolean): Promise<Release> {
    const { following } = this;
    if (following === null || ids.length === 0) return this.fetch(ids);
    const { plan, key } = following;
    const first = plan.drawnAt[ids[0]];
    const step = Math.floor(first / key.batchSize);
    if (step !== following.expected) this.begin(following, step);
    following.expected = step + 1;
    this.readAhead(following, step, isLast ? 0 : stepsAhead);
    const squares = await Promise.all(
      Array.from(ids, (id) => following.decoding.get(id) ?? this.anywhere(id)),
    );
    for (const id of ids) following.decoding.delete(id);
    return this.held.hold(ids, squares);
  }

  async fetch(ids: Int32Array): Promise<Release> {
    const sorted = ids.slice().sort();
    const squares = new Map<number, DecodedSquare>();
    await mapConcurrent([...chunksOf(this.set, sorted)], readersAtOnce, async (chunk) => {
      const files = await this.noted(readChunk(this.set, chunk, this.abort.signal));
      await mapConcurrent([...files], decodersAtOnce, async ([id, file]) => {
        files.delete(id);
        squares.set(id, await this.noted(this.decoded(id, file)));
      });
    });
    return this.held.hold(
      ids,
      Array.from(ids, (id) => {
        const square = squares.get(id);
        if (square === undefined) throw new RangeError(`expected photo ${id} to be fetched, got none`);
        return square;
      }),
    );
  }

  /** Starts reading where a step begins; what waited for another place in the order is forgotten. */
  private begin(following: Following, step: number): void {
    const { plan, key } = following;
    const from = step * key.batchSize;
    following.decoding.clear();
    following.decodeFrom = from;
    following.readers = plan.lanes.map(
      (lane) =>
        new LaneReader(
          this.set,
          lane,
          (id) => plan.drawnAt[id] >= from && this.isOwn(following, plan.drawnAt[id]),
          this.abort.signal,
        ),
    );
  }

  /** Whether this process shows the photo at a place in the order. The last, incomplete batch is shown by none. */
  private isOwn({ plan, key }: Following, place: number): boolean {
    const { batchSize } = key;
    const { from, to } = placesOf(this.options.share, batchSize);
    const inBatch = place % batchSize;
    return place < plan.order.length - (plan.order.length % batchSize) && inBatch >= from && inBatch < to;
  }

  /** Begins to read and decode the own photos of a step and of `ahead` later ones. */
  private readAhead(following: Following, step: number, ahead: number): void {
    const { plan, key, readers, decoding } = following;
    const end = Math.min(plan.order.length, (step + 1 + ahead) * key.batchSize);
    for (const reader of readers) reader.readUpTo(end - 1);
    for (; following.decodeFrom < end; following.decodeFrom++) {
      if (!this.isOwn(following, following.decodeFrom)) continue;
      const id = plan.order[following.decodeFrom];
      const file = this.take(readers, id);
      const square = file.then((bytes) => this.decoded(id, bytes));
      decoding.set(id, this.noted(square));
    }
  }

  private take(readers: readonly LaneReader[], id: number): Promise<Buffer> {
    for (const reader of readers) {
      const file = reader.take(id);
      if (file !== null) return file;
    }
    throw new RangeError(`expected photo ${id} to be read before it is drawn, got none`);
  }

  private async anywhere(id: number): Promise<DecodedSquare> {
    return this.noted(this.file(id).then((file) => this.decoded(id, file)));
  }

  private async file(id: number): Promise<Buffer> {
    const [chunk] = chunksOf(this.set, Int32Array.of(id));
    const file = (await readChunk(this.set, chunk, this.abort.signal)).get(id);
    if (file === undefined) throw new RangeError(`expected photo ${id} in its chunk, got none`);
    return file;
  }

  /** The square of a photo; of another one where its file cannot be decoded. */
  private async decoded(id: number, file: Buffer): Promise<DecodedSquare> {
    const { size, seed, originalSizes, labels } = this.options;
    const random = new KeyedRandom(seed, purpose.replacement, id);
    let [shown, content, fault] = [id, file, ""];
    for (let turn = 0; turn <= mostReplacements; turn++) {
      try {
        const square = await decodeSquare(content, size, { signal: this.abort.signal });
        originalSizes.set(square.original, 2 * id);
        labels[id] = labels[shown];
        return square;
      } catch (error) {
        this.abort.signal.throwIfAborted();
        fault = messageOf(error).split("\n")[0];
        this.note(shown, fault);
      }
      shown = random.integer(this.set.names.length);
      content = await this.file(shown);
    }
    throw new DataError(
      "unreadable-images",
      `Expected photos in ${this.set.path} that can be decoded, got ${mostReplacements + 1} in a row that cannot; the last, ` +
        `${this.set.names[shown]}: ${fault}`,
    );
  }

  private note(id: number, reason: string): void {
    if (this.brokenIds.has(id)) return;
    this.brokenIds.add(id);
    const photo = { name: this.set.names[id], reason };
    this.broken.push(photo);
    this.options.onBroken?.(photo);
  }

  /** Remembers work until it ends. Its fault is told where its result is asked for. */
  private noted<T>(work: Promise<T>): Promise<T> {
    const ended = work.then(
      () => undefined,
      () => undefined,
    );
    this.working.add(ended);
    void ended.then(() => this.working.delete(ended));
    return work;
  }

  async settle(): Promise<void> {
    this.abort.abort();
    const readers = this.following?.readers ?? [];
    await Promise.all([...this.working, ...readers.map((reader) => reader.settle())]);
    this.following = null;
    this.held.clear();
  }
}
