import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { countFiles } from "../../../../bench/faults/files.js";
import { kindNames } from "../../../../bench/faults/kinds.js";
import { type ReadingOptions, ReadingProcess } from "../../../../bench/faults/reading-process.js";
import { temporaryFolder } from "../support/photos.js";

function readingProcess(options: ReadingOptions = {}): ReadingProcess {
  const reading = new ReadingProcess(options);
  onTestFinished(() => reading.close());
  return reading;
}

it("refuses or reads damaged files of every kind, and nothing else happens", async () => {
  const keep = join(await temporaryFolder(), "kept");
  const reading = readingProcess();
  for (const kind of kindNames) {
    const { fallen, read, refused } = await countFiles({ kind, files: 8, seed: 7, keep, reading });
    expect(fallen, kind).toEqual([]);
    expect(read + [...refused.values()].reduce((sum, count) => sum + count, 0), kind).toBe(8);
    expect(refused.size, kind).toBeGreaterThan(0);
  }
  expect(existsSync(keep)).toBe(false);
});

const rogue = fileURLToPath(new URL("rogue.fixture.mjs", import.meta.url));

it("notices and keeps files whose reader writes, takes memory, or ends in an error without a type", async () => {
  const keep = join(await temporaryFolder(), "kept");
  const reading = readingProcess({ program: [rogue], memory: 2e8 });
  const { fallen, refused } = await countFiles({ kind: "texts", files: 5, seed: 0, keep, reading });
  expect([...refused]).toEqual([["not-it", 1]]);
  expect(fallen.map(({ why }) => why)).toEqual([
    "TypeError: x",
    expect.stringMatching(/^files were written: .*canary$/),
    expect.stringMatching(/^files were written: .*[.]more$/),
    expect.stringMatching(/ GB of memory$/),
  ]);
  expect(readdirSync(keep).sort()).toEqual(["texts-1", "texts-2", "texts-3", "texts-4"]);
});

it.each([
  ["process.exit(3)", "the process ended: exit code 3"],
  ["process.abort()", "the process ended: SIGABRT"],
  ["for (;;);", "it took longer than 1 s"],
])("notices a reader that does %s", async (code, why) => {
  const keep = join(await temporaryFolder(), "kept");
  const program = ["-e", `console.log("ready"); process.stdin.once("data", () => { ${code} })`];
  const reading = readingProcess({ program, seconds: 1 });
  const { fallen } = await countFiles({ kind: "texts", files: 1, seed: 0, keep, reading });
  expect(fallen[0].why).toContain(why);
});
