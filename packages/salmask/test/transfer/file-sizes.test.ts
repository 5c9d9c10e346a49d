import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileSizes } from "../../src/transfer/file-sizes.js";
import { writeAll } from "../data/sets/fixtures.js";
import { temporaryFolder } from "../support/photos.js";

it("tells the bytes of photos in files and in records, once each", async () => {
  const folder = await temporaryFolder();
  await writeAll(folder, { "a/1.jpg": "12345", "batch.bin": "1234567" });
  const sizes = new FileSizes(folder);
  expect(["a/1.jpg", "batch.bin/000003", "b/none.jpg"].map((name) => sizes.of(name))).toEqual([5, 7, -1]);
  await rm(join(folder, "a/1.jpg"));
  expect(sizes.of("a/1.jpg")).toBe(5);
});
