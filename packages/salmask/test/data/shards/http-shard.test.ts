import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openHttpShard } from "../../../src/data/shards/http-shard.js";
import { temporaryFolder } from "../fixtures.js";
import { serve } from "./shards.fixture.js";

const patience = { tries: 4, pause: 1, silence: 200 };
const content = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));

async function served(before?: Parameters<typeof serve>[1]) {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "s.tar"), content);
  const server = await serve(folder, before);
  return { ...server, shard: () => openHttpShard(`${server.url}/s.tar?key=secret`, patience) };
}

it("reads parts, and shows no key in its address", async () => {
  const { shard, url, asked } = await served();
  const file = await shard();
  expect(file).toMatchObject({ bytes: 5000, address: `${url}/s.tar` });
  expect((await file.read(300, 1200)).equals(content.subarray(300, 1500))).toBe(true);
  expect((await file.read(4990, 10)).equals(content.subarray(4990))).toBe(true);
  expect(asked.map(({ range }) => range)).toEqual(["bytes=0-0", "bytes=300-1499", "bytes=4990-4999"]);
});

it("tries again after faults that pass: answers of a busy server, cut and silent connections", async () => {
  let turn = 0;
  const { shard } = await served((_, response) => {
    turn++;
    if (turn === 2) response.writeHead(503, { "retry-after": "0" }).end();
    if (turn === 3) response.destroy();
    if (turn === 4) response.writeHead(206, { "content-range": "bytes 0-99/5000" }).write("half"); // and never more
    return turn >= 2 && turn <= 4;
  });
  const file = await shard();
  expect((await file.read(0, 100)).equals(content.subarray(0, 100))).toBe(true);
  expect(turn).toBe(5);
});

it.each([
  ["whole files in answer to ranges", "ranges-ignored", 200, {}],
  ["files that are not there", "shard-not-readable", 404, {}],
  ["a server that stays busy", "shard-not-readable", 503, { "retry-after": "0" }],
  ["other ranges than were asked for", "shard-not-readable", 206, { "content-range": "bytes 7-9/5000" }],
  ["redirects to other than HTTP", "shard-not-readable", 302, { location: "file:///etc/passwd" }],
  ["redirects in a circle", "shard-not-readable", 302, { location: "/s.tar" }],
])("refuses %s", async (_, code, status, headers) => {
  const { shard, asked } = await served((_request, response) => {
    response.writeHead(status, headers).end("some bytes");
    return true;
  });
  await expect(shard()).rejects.toMatchObject({ code, message: expect.not.stringContaining("secret") });
  expect(asked.length).toBeLessThanOrEqual(6);
});

it("follows a redirect, and notices another version of the file", async () => {
  let tag = '"1"';
  const { shard } = await served((request, response, file) => {
    const isFirst = request.url?.startsWith("/s.tar") === true;
    if (isFirst) response.writeHead(307, { location: "/moved/s.tar" }).end();
    else response.writeHead(206, { "content-range": `bytes 0-0/${file.length}`, etag: tag }).end("\0");
    return true;
  });
  const file = await shard();
  expect(await file.read(0, 1)).toEqual(Buffer.from([0]));
  tag = '"2"';
  await expect(file.read(0, 1)).rejects.toMatchObject({ code: "shard-changed" });
});

it("ends when it is no longer wanted", async () => {
  const { url } = await served(() => true);
  const abort = new AbortController();
  const opening = openHttpShard(`${url}/s.tar`, { ...patience, silence: 60_000 }, abort.signal);
  setTimeout(() => abort.abort(), 20);
  await expect(opening).rejects.toThrow(/abort/i);
});
