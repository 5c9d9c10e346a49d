import { execFile } from "node:child_process";
import { copyFile, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { expect, test } from "vitest";
import { MAX_SKIPPED } from "../../../src/data/sources/archive.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { temporaryFolder } from "../fixtures.js";

const script = fileURLToPath(new URL("./decoding-memory.fixture.ts", import.meta.url));

async function packElsewhere(
  photos: string,
  cacheDir: string,
): Promise<{ length: number; code: string; mebibytes: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--import",
    "tsx",
    script,
    photos,
    cacheDir,
  ]);
  return JSON.parse(stdout);
}

test("small files with many pixels are decoded one after another", async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, "p"));
  const side = 10_000; // 286 MiB of RGB pixels
  await sharp({ create: { width: side, height: side, channels: 3, background: "teal" } })
    .png()
    .toFile(join(root, "p/0.png"));
  for (let i = 1; i < 3; i++) await copyFile(join(root, "p/0.png"), join(root, `p/${i}.png`));
  const { length, mebibytes } = await packElsewhere(join(root, "p"), join(root, "c"));
  expect(length).toBe(3);
  expect(mebibytes).toBeLessThan(1000);
});

/** The header of an empty file in a tar archive (POSIX ustar). */
function emptyFile(name: string): Buffer {
  const header = Buffer.alloc(512);
  const fields: [number, string][] = [
    [0, name],
    [100, "0000644\0"],
    [108, "0000000\0"],
    [116, "0000000\0"],
    [124, "00000000000\0"],
    [136, "00000000000\0"],
    [148, "        "],
    [156, "0"],
    [257, "ustar\x0000"],
  ];
  for (const [at, text] of fields) header.write(text, at, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

test("an archive with very many empty files is rejected before it fills the memory", async () => {
  const root = await temporaryFolder();
  const archive = join(root, "empty.tar");
  const thousand = Buffer.concat(Array.from({ length: 1000 }, (_, i) => emptyFile(`photos/${i}.heic`)));
  const file = await open(archive, "w");
  for (let i = 0; i <= MAX_SKIPPED / 1000; i++) await file.write(thousand);
  await file.close();
  await expect(openDataset(archive, { size: 16, cacheDir: join(root, "c") })).rejects.toMatchObject({
    code: "unreadable-images",
    message: expect.stringMatching(/at most 100000 files.*photos\/0\.heic/),
  });
});
