/** The order in which an epoch visits photos that lie in shards, and when each of them is read. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { ShardSet } from "./shard-set.js";

/** What an order is a function of. */
export interface PlanKey {
  readonly seed: number;
  readonly epoch: number;
  /** Of all ranks together. */
  readonly batchSize: number;
}

/** How thoroughly photos are mixed, and how much waits in memory for it. */
export interface Mixing {
  /** Shards that are read at the same time. */
  readonly openShards: number;
  /** Photos that wait to be drawn, over all open shards. */
  readonly shuffleBuffer: number;
}

/** Bytes of photos, in their stored form, that wait to be drawn, over all open shards; one photo a shard waits in any case. */
export const MOST_WAITING_BYTES = 2 ** 28;

/** Photos that wait while one shard after another is read to its end. */
export interface Lane {
  /** Photos in the order in which they are read, each once. */
  readonly entries: Int32Array;
  /** When each of them begins to wait: the number of photos that were drawn before, over all lanes. */
  readonly since: Int32Array;
}

export interface EpochPlan {
  /** `[N]`, each photo once. */
  readonly order: Int32Array;
  /** `[N]`, the place of each photo in the order. */
  readonly drawnAt: Int32Array;
  readonly lanes: readonly Lane[];
}

/**
 * Plans an epoch: a function of the key, the mixing and which photos there are, so that a resumed run goes on in the same order. The
 * shards are put in an order of the key. Each of `openShards` lanes reads one to its end, then the next that no lane has begun. Its
 * photos wait in the lane's part of the buffer. A place in a batch belongs to a lane, which draws one of its waiting photos by the key:
 * so W ranks, which take one part of each batch each, read different shards if W divides `openShards`. When a lane has no more
 * photos, those of the lane with most of them are drawn in its places.
 */
export function planEpoch(
  set: Pick<ShardSet, "starts" | "bytes">,
  { seed, epoch, batchSize }: PlanKey,
  { openShards, shuffleBuffer }: Mixing,
): EpochPlan {
  const { starts, bytes } = set;
  const count = starts.length - 1;
  const length = starts[count];
  const random = new KeyedRandom(seed, purpose.order, epoch);
  const shards = random.permutation(count);
  const lanes = Math.max(1, Math.min(openShards, count, batchSize));
  const limits = {
    photos: Math.max(1, Math.floor(shuffleBuffer / lanes)),
    bytes: Math.floor(MOST_WAITING_BYTES / lanes),
  };
  let begun = 0;
  const nextShard = (): readonly [number, number] | null => {
    if (begun === count) return null;
    const shard = shards[begun++];
    return [starts[shard], starts[shard + 1]];
  };
  const open = Array.from({ length: lanes }, () => new OpenLane(bytes, limits, nextShard));
  const order = new Int32Array(length);
  const drawnAt = new Int32Array(length);
  // Every lane begins one shard before any begins a second.
  for (const lane of open) lane.begin();
  for (const lane of open) lane.fill(0);
  for (let at = 0; at < length; at++) {
    const own = open[Math.floor(((at % batchSize) * lanes) / batchSize)];
    const lane = own.waiting > 0 ? own : fullest(open);
    const id = lane.draw(random);
    order[at] = id;
    drawnAt[id] = at;
    lane.fill(at + 1);
  }
  return { order, drawnAt, lanes: open.map((lane) => lane.read()) };
}

function fullest(lanes: readonly OpenLane[]): OpenLane {
  return lanes.reduce((most, lane) => (lane.waiting > most.waiting ? lane : most));
}

class OpenLane {
  private readonly held: number[] = [];
  private heldBytes = 0;
  private at = 0;
  private end = 0;
  private readonly entries: number[] = [];
  private readonly since: number[] = [];

  constructor(
    private readonly bytes: Int32Array,
    private readonly limits: { readonly photos: number; readonly bytes: number },
    private readonly nextShard: () => readonly [number, number] | null,
  ) {}

  get waiting(): number {
    return this.held.length;
  }

  /** Goes to the next shard that has photos. False if there is none. */
  begin(): boolean {
    while (this.at === this.end) {
      const shard = this.nextShard();
      if (shard === null) return false;
      [this.at, this.end] = shard;
    }
    return true;
  }

  fill(drawn: number): void {
    const { photos, bytes } = this.limits;
    while (this.held.length < photos && this.begin()) {
      const more = this.bytes[this.at];
      if (this.held.length > 0 && this.heldBytes + more > bytes) return;
      this.held.push(this.at);
      this.heldBytes += more;
      this.entries.push(this.at);
      this.since.push(drawn);
      this.at++;
    }
  }

  draw(random: KeyedRandom): number {
    const place = random.integer(this.held.length);
    const id = this.held[place];
    const last = this.held.pop() ?? id;
    if (place < this.held.length) this.held[place] = last;
    this.heldBytes -= this.bytes[id];
    return id;
  }

  read(): Lane {
    return { entries: Int32Array.from(this.entries), since: Int32Array.from(this.since) };
  }
}
