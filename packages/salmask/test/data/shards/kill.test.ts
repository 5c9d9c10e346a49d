import { join } from "node:path";
import { expect, it } from "vitest";
import { numberIn, photoWith, side, writeNumbered } from "../../../../../bench/shards/numbered-photos.js";
import { streamThrough } from "../../../../../bench/shards/stream.js";
import { decodeSquare } from "../../../src/image/decode-square.js";
import { temporaryFolder } from "../fixtures.js";

it("an epoch of a process that is killed in the middle and begun again has each photo once, by its pixels", async () => {
  for (const number of [0, 1, 999_999]) {
    const { planes } = await decodeSquare(photoWith(number), side);
    expect(numberIn(planes.subarray(0, side * side))).toBe(number);
  }
  const folder = await temporaryFolder();
  const photos = join(folder, "shards");
  const count = 3000;
  writeNumbered(photos, { photos: count, shards: 10 });
  const found = await streamThrough({ photos, folder, count, batchSize: 50, killAt: [0.5] });
  expect(found).toMatchObject({ kills: 1, seen: count, twice: 0, missing: 0 });
  expect(found.last.stepsHere).toBeLessThan(found.last.steps);
  expect(found.last.stepsHere).toBeGreaterThan(0);
}, 60_000);
