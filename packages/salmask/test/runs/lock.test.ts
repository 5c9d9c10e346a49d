import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Lock } from "../../src/runs/lock.js";
import { temporaryFolder } from "../support/photos.js";

/** The id of a process that lives until the test ends. */
function living(): number {
  const child = spawn("sleep", ["60"]);
  onTestFinished(() => void child.kill());
  return child.pid ?? 0;
}

/** The id of a process that has ended. */
async function dead(): Promise<number> {
  const child = spawn("true");
  await new Promise((done) => child.on("close", done));
  return child.pid ?? 0;
}

/** The path of a lock file with this text. */
async function lockOf(text: string): Promise<string> {
  const path = join(await temporaryFolder(), ".lock");
  await writeFile(path, text);
  return path;
}

const inUse = (...said: string[]) =>
  expect.objectContaining({
    code: "run-in-use",
    exitCode: 2,
    message: expect.stringMatching(new RegExp(said.join(".*"))),
  });

it("names its process while it is held, and is removed when it is released", async () => {
  const path = join(await temporaryFolder(), ".lock");
  {
    using _lock = Lock.take(path);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid} ${hostname()}\n`);
    expect(() => Lock.take(path)).toThrow(inUse(`process ${process.pid} `));
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
  Lock.take(path).release();
});

it("is refused if another process holds it; the error names that process, which keeps the lock", async () => {
  const text = `${living()} ${hostname()}\n`;
  const path = await lockOf(text);
  expect(() => Lock.take(path)).toThrow(inUse(`process ${text.split(" ")[0]} `, `remove ${path}`));
  expect(readFileSync(path, "utf8")).toBe(text);
});

it("is refused if it belongs to another machine, because its processes are unknown", async () => {
  const path = await lockOf(`${await dead()} another-machine\n`);
  expect(() => Lock.take(path)).toThrow(inUse("on another-machine", `If it is gone, remove ${path}`));
});

it.each<[string, () => Promise<string> | string]>([
  ["a process that is gone", async () => `${await dead()} ${hostname()}\n`],
  ["one of this process's number that did not release it", () => `${process.pid} ${hostname()}\n`],
  ["one that died before it wrote its number", () => ""],
  ["something that is no process", () => `-1 ${hostname()}\n`],
])("is taken over from %s", async (_, text) => {
  const path = await lockOf(await text());
  using _lock = Lock.take(path);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid} ${hostname()}\n`);
});
