import { afterEach, expect, test, vi } from "vitest";
import { spareMemory } from "../../src/compute/spare-memory.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** An object that nothing holds once this has returned and the turn of the event loop is over. */
const dropped = () => new WeakRef({ photos: new Array(1000).fill(0) });
const nextTurn = () => new Promise(setImmediate);

test("what nothing holds is collected, at most once in ten seconds", async () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(1e9);
  const first = dropped();
  await nextTurn();
  spareMemory();
  expect(first.deref()).toBeUndefined();

  clock.mockReturnValue(1e9 + 9_000);
  const second = dropped();
  await nextTurn();
  spareMemory();
  const kept = second.deref() !== undefined;
  await nextTurn();
  expect(kept).toBe(true);

  clock.mockReturnValue(1e9 + 10_000);
  spareMemory();
  expect(second.deref()).toBeUndefined();
});
