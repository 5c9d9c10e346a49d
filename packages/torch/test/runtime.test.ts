import { availableParallelism } from "node:os";
import { buildInfo, getNumThreads, hasCuda, libtorchVersion, setNumThreads } from "@salmask/torch";
import { expect, test } from "vitest";
import { answerOf } from "./support/node.js";

test("the loaded libtorch is the one that the addon was built against", () => {
  expect(libtorchVersion()).toMatch(/^\d+\.\d+\.\d+$/);
  expect(buildInfo().version).toBe(libtorchVersion());
  expect(buildInfo().lib).not.toBe("unknown");
});

test("the thread count can be set and read", () => {
  const before = getNumThreads();
  expect(before).toBeGreaterThan(0);
  setNumThreads(1);
  expect(getNumThreads()).toBe(1);
  setNumThreads(before);
  expect(getNumThreads()).toBe(before);
  expect(hasCuda()).toBeTypeOf("boolean");
});

test.each(["99999", "1.5", "-1", "many"])("an OMP_NUM_THREADS of %s is passed over", (threads) => {
  const script = "console.log(JSON.stringify(torch.getNumThreads()))";
  expect(answerOf(script, { OMP_NUM_THREADS: threads })).toBe(availableParallelism());
});
