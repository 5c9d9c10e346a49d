import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
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

/** Takes as many of the folder's locks as it can, and prints their numbers; it begins at a time and ends when its input does. */
const taker = `
  const { Lock } = await import(process.argv[1]);
  const [folder, count, begin] = process.argv.slice(2);
  while (Date.now() < Number(begin));
  const taken = [];
  for (let i = 0; i < Number(count); i++) {
    try {
      Lock.take(folder + "/" + i);
      taken.push(i);
    } catch (error) {
      if (error.code !== "run-in-use") throw error;
    }
  }
  console.log(JSON.stringify(taken));
  process.stdin.resume();
`;

it("is taken over by one of several processes that find it left at the same time", {
  timeout: 60_000,
}, async () => {
  const folder = await temporaryFolder();
  const count = 300;
  const left = `${await dead()} ${hostname()}\n`;
  for (let i = 0; i < count; i++) await writeFile(join(folder, String(i)), left);
  const module = new URL("../../src/runs/lock.ts", import.meta.url).href;
  const begin = Date.now() + 4000;
  const args = [
    "--import",
    "tsx",
    "--input-type=module",
    "-e",
    taker,
    module,
    folder,
    String(count),
    String(begin),
  ];
  const takers = [0, 1, 2].map(() => spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] }));
  onTestFinished(() => {
    for (const child of takers) child.kill();
  });
  const taken = await Promise.all(
    takers.map(
      ({ stdout }) =>
        new Promise<number[]>((done, fail) => {
          stdout.once("data", (data) => done(JSON.parse(String(data))));
          stdout.once("end", () => fail(new Error("a process ended early")));
        }),
    ),
  );
  expect(taken.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
  expect(await readdir(folder)).toHaveLength(count);
});
