/** Shards of small photos that tests write, each photo of one colour of its own. */

import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { basename, join } from "node:path";
import { onTestFinished } from "vitest";
import { plain, rgb, type TarEntry, writeTar } from "../fixtures.js";

/** A PNG of `side` pixels in the colour `plain(i)`. */
export const photoOf = (i: number, side = 16): Promise<Buffer> =>
  rgb(plain(i, side, side), side, side)
    .png()
    .toBuffer();

/** Shard `s` has the photos `s * each` and on, with the classes 3 and 10 in turn. */
export async function writeShards(folder: string, shards: number, each: number, side = 16): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let shard = 0; shard < shards; shard++) {
    const entries: TarEntry[] = [];
    for (let i = shard * each; i < (shard + 1) * each; i++) {
      const key = String(i).padStart(5, "0");
      entries.push({ name: `${key}.png`, content: await photoOf(i, side) });
      entries.push({ name: `${key}.cls`, content: Buffer.from(i % 2 === 0 ? "3\n" : "10\n") });
    }
    await writeTar(join(folder, `train-${String(shard).padStart(3, "0")}.tar`), entries);
  }
}

export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
}

type Answer = (request: IncomingMessage, response: ServerResponse, file: Buffer) => boolean;

/**
 * Serves a folder's files by ranges on this machine. `before` may answer a request itself, and then returns true. Returns the address
 * of the folder and what was asked.
 */
export async function serve(folder: string, before: Answer = () => false) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://here").pathname;
    const { range } = request.headers;
    asked.push({ path, range });
    const file = readFileSync(join(folder, basename(path)));
    if (before(request, response, file)) return;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    const last = Math.min(Number(to), file.length - 1);
    const headers = { "content-range": `bytes ${from}-${last}/${file.length}`, etag: `"${file.length}"` };
    response.writeHead(206, headers).end(file.subarray(Number(from), last + 1));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a server with a port");
  return { url: `http://127.0.0.1:${address.port}`, asked };
}
