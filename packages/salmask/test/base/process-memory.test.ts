import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { processMemory } from "../../src/base/process-memory.js";

test("memory that is filled is resident, and belongs to no file", async () => {
  // In a process of its own: here other tests' memory may be given back meanwhile.
  const script = `
    process.stdin.on("data", () => {
      globalThis.filled = new Uint8Array(64 * 2 ** 20).fill(1);
      console.log("filled");
    });
    console.log("begun");`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  const found = (name: "VmRSS" | "RssAnon" | "VmHWM") => processMemory(name, child.pid) ?? 0;
  await once(child.stdout, "data");
  const [resident, anonymous] = [found("VmRSS"), found("RssAnon")];
  child.stdin.write("fill");
  await once(child.stdout, "data");
  expect(found("VmRSS") - resident).toBeGreaterThan(60 * 2 ** 20);
  expect(found("RssAnon") - anonymous).toBeGreaterThan(60 * 2 ** 20);
  expect(found("VmHWM")).toBeGreaterThanOrEqual(found("VmRSS"));
  expect(processMemory("VmRSS")).toBeGreaterThan(2 ** 20);
});

test("another process is asked by its number, and one that has ended has none", () => {
  expect(processMemory("VmRSS", process.ppid)).toBeGreaterThan(2 ** 20);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  expect(processMemory("VmRSS", pid)).toBeNull();
});
