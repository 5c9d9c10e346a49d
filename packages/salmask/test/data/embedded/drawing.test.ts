import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import type { RunEvent } from "../../../src/base/events.js";
import { generateEmbedded } from "../../../src/data/embedded/generate.js";
import { generateObjects } from "../../../src/data/embedded/generate-objects.js";
import { temporaryFolder } from "../../support/photos.js";

it.each([
  ["generateEmbedded", generateEmbedded],
  ["generateObjects", generateObjects],
])("%s counts its pictures, and stops where it is asked to with nothing left behind", async (_, generate) => {
  const root = await temporaryFolder();
  const done: number[] = [];
  const abort = new AbortController();
  const report = (event: RunEvent) => {
    if (event.kind !== "progress") return;
    expect(event.total).toBe(24);
    done.push(event.done);
    if (event.done === 5) abort.abort();
  };
  const options = { train: 20, test: 4, size: 64, classes: 2 };
  const drawn = generate(join(root, "set"), options, { signal: abort.signal, report });
  await expect(drawn).rejects.toThrow(InterruptedError);
  expect(done).toEqual([1, 2, 3, 4, 5]);
  expect(readdirSync(root)).toEqual([]);
});
