import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "../../src/cli/main.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder } from "../support/photos.js";
import { makeRun } from "../watch/made.js";

it("watches a folder until it is asked to end", async () => {
  const folder = await temporaryFolder();
  await makeRun(join(folder, "plain"), { lines: 3 });
  let said = "";
  const streams = {
    out: (text: string) => {
      said += text;
    },
    err: () => {},
  };
  const ended = run(["watch", folder, "--port", "0"], streams);
  const address = () => /http:\S+\//.exec(said)?.[0] ?? "";
  await expect.poll(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const answer = await fetch(`${address()}api/overview`);
  const { overview } = JSON.parse(await answer.text());
  expect(overview.runs).toMatchObject([{ id: "plain", step: 3 }]);
  process.emit("SIGINT");
  expect(await ended).toBe(0);
  await expect(fetch(address())).rejects.toThrow();
});

it("says what to do where the folder is missing or the port taken", async () => {
  const folder = await temporaryFolder();
  const { code, err } = await salmask("watch", join(folder, "none"));
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("salmask pretrain") });
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const taken = await salmask("watch", folder, "--port", String(port));
  other.close();
  expect(taken).toMatchObject({ code: 2, err: expect.stringContaining("--port 0") });
});

it("writes a report of some runs, and none of a folder without", async () => {
  const folder = await temporaryFolder();
  await makeRun(join(folder, "plain"), { lines: 3 });
  const out = join(folder, "report.html");
  const { code, out: said } = await salmask("report", join(folder, "plain"), "--out", out, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ out, runs: ["plain"] });
  const text = await readFile(out, "utf8");
  expect(text).toContain('"id":"plain"');
  expect(text).not.toMatch(/(src|href)="(?!data:)/);
  expect(await salmask("report", join(folder, "plain/checkpoints"))).toMatchObject({ code: 2 });
});
