import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@salmask/torch";
import sharp from "sharp";
import { expect, it } from "vitest";
import { run } from "../../src/cli/main.js";
import { openDataset } from "../../src/data/store/dataset.js";
import { gridFor } from "../../src/masking/grid.js";
import { sheetOfSaliency } from "../../src/report/saliency-sheet.js";
import { paperThreshold } from "../../src/saliency/settings.js";
import type { SaliencySource } from "../../src/saliency/source.js";
import { temporaryFolder } from "../support/photos.js";
import { type Colour, difference, readSheet } from "../support/sheet.js";

const [height, width] = [16, 24];
const orange: Colour = [200, 120, 40];

/** Three photos of one colour, 24 x 16, whose object is the upper half. */
async function photosWithMasks(): Promise<{ photos: string; masks: string; folder: string }> {
  const folder = await temporaryFolder();
  const [photos, masks] = ["photos", "masks"].map((name) => join(folder, name));
  for (const path of [photos, masks]) await mkdir(path);
  for (const name of ["0.png", "1.png", "2.png"]) {
    const [r, g, b] = orange;
    const create = { width, height, channels: 3, background: { r, g, b } } as const;
    await sharp({ create }).png().toFile(join(photos, name));
    const upper = Uint8Array.from({ length: height * width }, (_, at) =>
      at < (height * width) / 2 ? 255 : 0,
    );
    await sharp(upper, { raw: { width, height, channels: 1 } })
      .png()
      .toFile(join(masks, name));
  }
  return { photos, masks, folder };
}

it("draws photo, mask, map and foreground, and the scored ones beside them", async () => {
  const { photos, masks, folder } = await photosWithMasks();
  // The left ones of 2 x 2 cells are salient: one correctly, one wrongly. The upper right one is missed.
  const source: SaliencySource = {
    name: "told",
    maps: (crops) =>
      tensor(
        Array.from({ length: crops.shape[0] }, () => [
          [1, 0],
          [1, 0],
        ]),
      ),
    dispose: () => {},
  };
  const dataset = await openDataset(photos, { size: 16, cacheDir: join(folder, "cache") });
  const out = join(folder, "sheet.png");
  const threshold = { ...paperThreshold, rule: "mean" } as const;
  const given = { dataset, masks, source, grid: gridFor(16, 8), threshold, out, count: 2 };
  const names = await sheetOfSaliency(given);
  dataset.close();
  expect(names).toEqual(["0.png", "1.png"]);
  const sheet = await readSheet(out);
  expect([sheet.width, sheet.height]).toEqual([6 * 116 + 4, 18 + 2 * 116 + 4]);
  const quarters = [
    [0.25, 0.25],
    [0.25, 0.75],
    [0.75, 0.25],
    [0.75, 0.75],
  ];
  const [white, black, red, blue]: Colour[] = [
    [255, 255, 255],
    [0, 0, 0],
    [255, 0, 0],
    [0, 0, 255],
  ];
  const dark: Colour = [50, 30, 10];
  for (const row of [0, 1]) {
    const column = (at: number) => quarters.map(([y, x]) => sheet.at(at, row, y, x));
    for (const colour of column(0)) expect(difference(colour, orange)).toBeLessThanOrEqual(1);
    expect(column(1)).toEqual([white, white, black, black]);
    const heat = column(2);
    expect([heat[0], heat[1]]).toEqual([heat[2], heat[3]]);
    expect(heat[0][0]).toBeGreaterThan(heat[1][0] + 200);
    for (const [i, expected] of [orange, dark, orange, dark].entries())
      expect(difference(column(4)[i], expected)).toBeLessThanOrEqual(1);
    expect(column(5)).toEqual([white, blue, red, black]);
    // The scored map is smooth: at its left edge it equals the cells, in the middle it is half way between them.
    expect(difference(sheet.at(3, row, 0.5, 0.01), heat[0])).toBeLessThanOrEqual(1);
    const middle = sheet.at(3, row, 0.5, 0.5)[0];
    expect(middle > heat[1][0] + 50 && middle < heat[0][0] - 50).toBe(true);
  }
});

it("is drawn by the command if requested, and the JSON contains the scores", async () => {
  const { photos, masks, folder } = await photosWithMasks();
  const said: string[] = [];
  const streams = { out: (text: string) => void said.push(text), err: () => {} };
  const sheet = join(folder, "sheet.png");
  const args = ["saliency", "eval", photos, "--masks", masks, "--saliency.source", "centre", "--json"];
  const small = ["--crop", "16", "--stem", "small", "--data.cache", join(folder, "cache")];
  expect(await run([...args, ...small, "--sheet", sheet, "--count", "3"], streams)).toBe(0);
  expect(JSON.parse(said.join(""))).toMatchObject({
    photos: 3,
    sheet: { path: sheet, photos: ["0.png", "1.png", "2.png"] },
  });
  expect((await readSheet(sheet)).height).toBe(18 + 3 * 116 + 4);
});
