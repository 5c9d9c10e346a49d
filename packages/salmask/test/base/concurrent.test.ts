import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapConcurrent } from "../../src/base/concurrent.js";

test("a slow item holds up no others, and the results have the order of the items", async () => {
  const ended: number[] = [];
  const milliseconds = [300, 10, 10, 10, 10];
  const results = await mapConcurrent(milliseconds, 2, async (time) => {
    await wait(time);
    ended.push(time);
    return time + 1;
  });
  expect(results).toEqual([301, 11, 11, 11, 11]);
  expect(ended).toEqual([10, 10, 10, 10, 300]);
});

test("at most so many work at once", async () => {
  let [working, most] = [0, 0];
  await mapConcurrent(Array(20).fill(1), 3, async (time: number) => {
    most = Math.max(most, ++working);
    await wait(time);
    working--;
  });
  expect(most).toBe(3);
  expect(await mapConcurrent([], 3, () => Promise.reject(new Error("not called")))).toEqual([]);
});

test("an error is thrown when the other workers have ended", async () => {
  const ended: number[] = [];
  const mapped = mapConcurrent([1, 30, 40], 2, async (time) => {
    await wait(time);
    if (time === 1) throw new Error("the first");
    ended.push(time);
  });
  await expect(mapped).rejects.toThrow("the first");
  expect(ended).toEqual([30, 40]);
});
