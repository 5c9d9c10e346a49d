import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { scope, type Tensor, tensor } from "@salmask/torch";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { spread } from "../../src/base/spread.js";
import { configSchema } from "../../src/config/schema.js";
import { heatMap } from "../../src/image/heat-map.js";
import { aroundGrey, denormalize } from "../../src/image/show.js";
import { drawSheet } from "../../src/report/sheet.js";
import { sheetOfPhotos } from "../../src/report/views-of-photos.js";
import { smallSettings, temporaryFolder, writePhotos } from "../support/photos.js";
import { type Colour, difference, readSheet } from "../support/sheet.js";

/** `[3, h, w]` with the given colours as pixels, row by row. */
const picture = (rows: readonly (readonly Colour[])[]): Tensor =>
  tensor([0, 1, 2].map((channel) => rows.map((row) => row.map((colour) => colour[channel] / 255))));

const [red, green, blue, black]: Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [0, 0, 0],
];

describe("drawSheet", () => {
  it("draws one column per kind and one row per photo, each picture complete for any shape", async () => {
    const out = join(await temporaryFolder(), "sheet.png");
    await drawSheet(out, () => [
      {
        title: "square",
        pictures: [
          picture([
            [red, green],
            [blue, black],
          ]),
          picture([[blue]]),
        ],
      },
      { title: "wide", pictures: [picture([[red, red, green, blue]]), picture([[green], [red]])] },
      { title: "short", pictures: [picture([[black]])] },
    ]);
    const sheet = await readSheet(out);
    expect([sheet.width, sheet.height]).toEqual([3 * 116 + 4, 18 + 2 * 116 + 4]);
    expect(sheet.at(0, 0, 0.1, 0.1)).toEqual(red);
    expect(sheet.at(0, 0, 0.1, 0.9)).toEqual(green);
    expect(sheet.at(0, 0, 0.9, 0.1)).toEqual(blue);
    expect(sheet.at(0, 0, 0.9, 0.9)).toEqual(black);
    expect(sheet.at(0, 1, 0.5, 0.5)).toEqual(blue);
    for (const [i, colour] of [red, red, green, blue].entries())
      expect(sheet.at(1, 0, 0.5, (i + 0.5) / 4)).toEqual(colour);
    expect([sheet.at(1, 1, 0.2, 0.5), sheet.at(1, 1, 0.8, 0.5)]).toEqual([green, red]);
    expect(sheet.at(2, 0, 0, 0)).toEqual(black);
    expect(sheet.at(2, 1, 0.5, 0.5)).toEqual([255, 255, 255]);
  });
});

describe("the pictures", () => {
  it("undo ImageNet's normalisation, and put filtered values around grey", () => {
    scope(() => {
      const normalised = tensor([
        [[(0.5 - 0.485) / 0.229]],
        [[(0.25 - 0.456) / 0.224]],
        [[(1.5 - 0.406) / 0.225]],
      ]);
      for (const [i, value] of denormalize(normalised).toArray().entries())
        expect(value).toBeCloseTo([0.5, 0.25, 1][i], 5);
      expect(aroundGrey(tensor([[[0]], [[1]], [[-9]]])).toArray()).toEqual([0.5, 0.75, 0]);
    });
  });

  it("show the most salient cell in yellow, the least in dark blue, for any scale of the map", () => {
    for (const scale of [1, 1000]) {
      const heat = scope(() => heatMap(tensor([[0, scale, 0.5 * scale]])).toArray()); // [3, 1, 3]
      const colour = (cell: number) => [heat[cell], heat[3 + cell], heat[6 + cell]];
      expect(colour(1).map((value) => Math.round(10 * value))).toEqual([10, 9, 0]);
      expect(colour(0)[2]).toBeGreaterThan(colour(0)[0] + 0.4);
      expect(colour(2)[0]).toBeGreaterThan(colour(0)[0]);
    }
  });

  it("show photos evenly spread over the data set, or all if it is small", () => {
    expect(Array.from(spread(100, 4))).toEqual([0, 25, 50, 75]);
    expect(Array.from(spread(3, 8))).toEqual([0, 1, 2]);
  });
});

describe("sheetOfPhotos", () => {
  /** Sheets of four photos of 16 pixels, drawn with these mask settings. */
  async function sheetWith(mask: object, method: object = smallSettings.method) {
    const folder = await temporaryFolder();
    await writePhotos(join(folder, "photos"), 4, 16, ["a"]);
    const config = configSchema.parse({
      ...smallSettings,
      data: { ...smallSettings.data, cache: join(folder, "cache") },
      saliency: { source: "centre" },
      mask,
      method,
    });
    const out = join(folder, "views.png");
    const { photos } = await sheetOfPhotos({ photos: join(folder, "photos"), out, count: 2, config });
    const files = await Promise.all(photos.map((name) => readFile(join(folder, "photos", name))));
    const pixels = await Promise.all(files.map((file) => sharp(file).removeAlpha().raw().toBuffer()));
    return { photos, sheet: await readSheet(out), pixels };
  }

  const places = Array.from({ length: 256 }, (_, at) => ({ y: Math.floor(at / 16), x: at % 16 }));
  const middle = (at: number) => (at + 0.5) / 16;

  it("shows photos unchanged, and a plain run's views as they were cropped", async () => {
    const { photos, sheet, pixels } = await sheetWith({ fill: "none" });
    expect(photos).toEqual(["a/0.png", "a/2.png"]);
    // Photo, crop, key, query: nothing needs saliency.
    expect([sheet.width, sheet.height]).toEqual([4 * 116 + 4, 18 + 2 * 116 + 4]);
    for (const row of [0, 1]) {
      for (const { y, x } of places) {
        const start = 3 * (16 * y + x);
        const real: Colour = [pixels[row][start], pixels[row][start + 1], pixels[row][start + 2]];
        expect(difference(sheet.at(0, row, middle(y), middle(x)), real)).toBeLessThanOrEqual(1);
        const [crop, key] = [1, 2].map((column) => sheet.at(column, row, middle(y), middle(x)));
        expect(key).toEqual(crop);
      }
    }
  });

  it("shows every small crop, where the method has some", async () => {
    const { sheet } = await sheetWith({ fill: "none" }, { name: "swav", localCrops: 2 });
    expect(sheet.width).toBe(6 * 116 + 4);
    const at = (column: number) => places.map(({ y, x }) => sheet.at(column, 0, middle(y), middle(x)));
    expect(new Set([3, 4, 5].map((column) => JSON.stringify(at(column)))).size).toBe(3);
  });

  it("shows what a hard negative loses, and that photos share it only if requested", async () => {
    const mask = { fill: "mean", negative: { count: 1, ratio: [1, 1] } };
    const [object, key, negative] = [3, 4, 6];
    const own = await sheetWith(mask);
    expect(own.sheet.width).toBe(7 * 116 + 4);
    for (const row of [0, 1]) {
      const at = (column: number, { y, x }: { y: number; x: number }) =>
        own.sheet.at(column, row, middle(y), middle(x));
      const changed = places.filter((place) => difference(at(negative, place), at(key, place)) > 2);
      expect(changed.length / 256).toBeLessThanOrEqual(0.6);
      expect(changed.length / 256).toBeGreaterThan(0.2);
      // The object's cells are yellow in the heat map.
      for (const place of changed) expect(at(object, place)[0]).toBeGreaterThan(200);
    }
    const shared = await sheetWith({ ...mask, negative: { ...mask.negative, of: "shared" } });
    for (const { y, x } of places)
      expect(shared.sheet.at(negative, 1, middle(y), middle(x))).toEqual(
        own.sheet.at(negative, 0, middle(y), middle(x)),
      );
  });
});
