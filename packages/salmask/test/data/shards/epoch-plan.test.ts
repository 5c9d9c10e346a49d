import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EpochPlan, MOST_WAITING_BYTES, planEpoch } from "../../../src/data/shards/epoch-plan.js";
import { shardOf } from "../../../src/data/shards/shard-set.js";
import { placesOf } from "../../../src/data/shards/share.js";

/** Shards with so many photos each, of `size` bytes. */
function setOf(counts: readonly number[], size = 100) {
  const starts = Int32Array.from([0, ...counts]);
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  return { starts, bytes: new Int32Array(starts[counts.length]).fill(size) };
}

const key = { seed: 3, epoch: 0, batchSize: 8 };

/** The most photos that wait in a lane at a time, by counting those that were read and not drawn. */
function mostWaiting({ lanes, order, drawnAt }: EpochPlan): number[] {
  return lanes.map(({ entries, since }) => {
    const change = new Int32Array(order.length + 2);
    for (const [place, id] of entries.entries()) {
      change[since[place]]++;
      change[drawnAt[id] + 1]--;
    }
    let [now, most] = [0, 0];
    for (const step of change) {
      now += step;
      most = Math.max(most, now);
    }
    return most;
  });
}

describe("the order of an epoch", () => {
  it("has each photo once, drawn after it was read, of a buffer that is never too full", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 }),
        fc.record({
          openShards: fc.integer({ min: 1, max: 6 }),
          shuffleBuffer: fc.integer({ min: 1, max: 64 }),
        }),
        fc.record({ seed: fc.nat(), epoch: fc.nat(99), batchSize: fc.integer({ min: 2, max: 9 }) }),
        (counts, mixing, asked) => {
          const set = setOf(counts);
          const plan = planEpoch(set, asked, mixing);
          const { order, drawnAt, lanes } = plan;
          const all = Array.from(order.keys());
          expect(Array.from(order).sort((a, b) => a - b)).toEqual(all);
          expect(all.every((at) => drawnAt[order[at]] === at)).toBe(true);
          expect(lanes.flatMap(({ entries }) => [...entries]).sort((a, b) => a - b)).toEqual(all);
          for (const { entries, since } of lanes)
            for (const [place, id] of entries.entries())
              expect(since[place]).toBeLessThanOrEqual(drawnAt[id]);
          const room = Math.max(1, Math.floor(mixing.shuffleBuffer / lanes.length));
          for (const most of mostWaiting(plan)) expect(most).toBeLessThanOrEqual(room);
          expect(planEpoch(set, asked, mixing)).toEqual(plan);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("depends on seed and epoch, and mixes shards", () => {
    const set = setOf(new Array(20).fill(50));
    const mixing = { openShards: 4, shuffleBuffer: 80 };
    const orders = [key, { ...key, epoch: 1 }, { ...key, seed: 4 }].map((asked) =>
      planEpoch(set, asked, mixing).order.join(),
    );
    expect(new Set(orders).size).toBe(3);
    const { order } = planEpoch(set, key, mixing);
    for (let at = 0; at + 8 <= 800; at += 8) {
      const shards = new Set(Array.from(order.subarray(at, at + 8), (id) => shardOf(set, id)));
      expect(shards.size).toBeGreaterThanOrEqual(4);
    }
    const neighbours = order.reduce((sum, id, at) => sum + Number(at > 0 && id === order[at - 1] + 1), 0);
    expect(neighbours).toBeLessThan(20);
  });

  it("keeps large photos within bytes", () => {
    const size = MOST_WAITING_BYTES / 16;
    const plan = planEpoch(setOf([20, 20, 20, 20], size), key, { openShards: 4, shuffleBuffer: 4096 });
    expect(mostWaiting(plan)).toEqual([4, 4, 4, 4]);
  });

  it("gives two ranks other shards until few are left, and all photos of full batches to one of them", () => {
    const set = setOf(new Array(24).fill(30));
    const { order } = planEpoch(set, { ...key, batchSize: 10 }, { openShards: 4, shuffleBuffer: 40 });
    const seen = [0, 1].map((rank) => {
      const { from, to } = placesOf({ rank, worldSize: 2 }, 10);
      return Array.from(order).filter((_, at) => at % 10 >= from && at % 10 < to);
    });
    expect(seen.map(({ length }) => length)).toEqual([360, 360]);
    expect(new Set(seen.flat()).size).toBe(720);
    const [first, second] = seen.map((ids) => new Set(ids.map((id) => shardOf(set, id))));
    expect([...first].filter((shard) => second.has(shard)).length).toBeLessThanOrEqual(3);
  });
});
