import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { processMemory } from "../../src/base/process-memory.js";

test("memory that is filled is resident, and belongs to no file", () => {
  const [resident, anonymous] = [processMemory("VmRSS") ?? 0, processMemory("RssAnon") ?? 0];
  const filled = new Uint8Array(64 * 2 ** 20).fill(1);
  expect((processMemory("VmRSS") ?? 0) - resident).toBeGreaterThan(48 * 2 ** 20);
  expect((processMemory("RssAnon") ?? 0) - anonymous).toBeGreaterThan(48 * 2 ** 20);
  expect(processMemory("VmHWM")).toBeGreaterThanOrEqual(resident + filled.length / 2);
});

test("another process is asked by its number, and one that has ended has none", () => {
  expect(processMemory("VmRSS", process.ppid)).toBeGreaterThan(2 ** 20);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  expect(processMemory("VmRSS", pid)).toBeNull();
});
