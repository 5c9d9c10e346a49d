import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WeightedSemaphore } from "../../src/base/weighted-semaphore.js";

describe("WeightedSemaphore", () => {
  test("never exceeds its capacity, keeps the order of the calls, and serves all of them", async () => {
    const job = fc.record({ weight: fc.integer({ min: 0, max: 25 }), turns: fc.integer({ min: 0, max: 5 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(job, { maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        async (jobs, capacity) => {
          const semaphore = new WeightedSemaphore(capacity);
          const entered: number[] = [];
          let inside: number[] = [];
          await Promise.all(
            jobs.map(async ({ weight, turns }, i) => {
              const release = await semaphore.acquire(weight);
              entered.push(i);
              inside.push(weight);
              const together = inside.reduce((sum, each) => sum + each, 0);
              // A weight above the capacity runs only together with weights of 0.
              expect(together <= capacity || together === Math.max(...inside)).toBe(true);
              for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
              inside = inside.toSpliced(inside.indexOf(weight), 1);
              release();
              release();
            }),
          );
          expect(entered).toEqual(jobs.map((_, i) => i));
          expect(semaphore.held).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("runs work above the capacity alone", async () => {
    const semaphore = new WeightedSemaphore(10);
    const release = await semaphore.acquire(1);
    let large = false;
    const waiting = semaphore.acquire(1000).then((done) => {
      large = true;
      return done;
    });
    await new Promise(setImmediate);
    expect(large).toBe(false);
    release();
    (await waiting)();
    expect(large).toBe(true);
  });
});
