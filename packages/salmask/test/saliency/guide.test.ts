import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Generator, scope, zeros } from "@salmask/torch";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { openDataset } from "../../src/data/store/dataset.js";
import { createBackbone } from "../../src/models/registry.js";
import { SaliencyGuide } from "../../src/saliency/guide.js";
import { wholeView } from "../../src/views/draw.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";

const count = 8;

/** Eight photos of 16 pixels with different maps: photo i is bright in the i-th of eight 4 x 8 blocks. */
async function photosWithMaps(missing?: number): Promise<{ photos: string; maps: string; cache: string }> {
  const folder = await temporaryFolder();
  const [photos, maps, cache] = ["photos", "maps", "cache"].map((name) => join(folder, name));
  await writePhotos(photos, count, 16, ["a"]);
  await mkdir(maps);
  for (let i = 0; i < count; i++) {
    if (i === missing) continue;
    const pixels = Uint8Array.from({ length: 256 }, (_, at) =>
      block(Math.floor(at / 16), at % 16) === i ? 255 : 0,
    );
    const raw = { width: 16, height: 16, channels: 1 } as const;
    await sharp(pixels, { raw })
      .png()
      .toFile(join(maps, `${i}.png`));
  }
  return { photos, maps, cache };
}

const block = (row: number, col: number) => Math.floor(row / 4) * 2 + Math.floor(col / 8);

/** The foreground cells of each whole photo, as numbers in a 4 x 4 grid. */
async function foregroundOf(saliency: object, missing?: number): Promise<number[][]> {
  const { photos, maps, cache } = await photosWithMaps(missing);
  const given = "source" in saliency && saliency.source === "maps" ? { maps, ...saliency } : saliency;
  const config = configSchema.parse({
    data: { crop: 16 },
    saliency: { threshold: { rule: "mean" }, ...given },
  });
  const dataset = await openDataset(photos, { size: 16, cacheDir: cache });
  try {
    const guide = await SaliencyGuide.open(config, { dataset, cell: 4 });
    const ids = Int32Array.from({ length: count }, (_, i) => i);
    const draw = wholeView(ids, dataset.originalSizes, dataset.size);
    const [found] = scope(() => guide.foregrounds([{ pixels: zeros([count, 3, 16, 16]), draw }], ids));
    guide.dispose();
    const cells = found?.cells ?? new Uint8Array();
    return Array.from(ids, (id) =>
      Array.from(cells.subarray(id * 16, (id + 1) * 16).entries())
        .filter(([, on]) => on === 1)
        .map(([cell]) => cell),
    );
  } finally {
    dataset.close();
  }
}

const ownCells = (photo: number) =>
  Array.from({ length: 16 }, (_, cell) => cell).filter(
    (cell) => block(4 * Math.floor(cell / 4), 4 * (cell % 4)) === photo,
  );

describe("SaliencyGuide", () => {
  it("reads maps from a folder, each photo's own", async () => {
    const found = await foregroundOf({ source: "maps" });
    expect(found).toEqual(Array.from({ length: count }, (_, photo) => ownCells(photo)));
  });

  it("gives each photo another photo's map in the shuffled control, each map once", async () => {
    const found = await foregroundOf({ source: "maps", shuffled: true });
    const own = Array.from({ length: count }, (_, photo) => ownCells(photo));
    for (const [photo, cells] of found.entries()) expect(cells).not.toEqual(own[photo]);
    const sorted = (rows: number[][]) => rows.map((row) => row.join()).sort();
    expect(sorted(found)).toEqual(sorted(own));
  });

  it("moves each row's cells to its right end in the control of the released code, their number as it was", async () => {
    const found = await foregroundOf({ source: "maps", rowSorted: true });
    const flushed = Array.from({ length: count }, (_, photo) => {
      const own = ownCells(photo);
      const inRow = (row: number) => own.filter((cell) => Math.floor(cell / 4) === row).length;
      return Array.from({ length: 16 }, (_, cell) => cell).filter(
        (cell) => cell % 4 >= 4 - inRow(Math.floor(cell / 4)),
      );
    });
    expect(found).toEqual(flushed);
    // Blocks on the right stay, blocks on the left move.
    expect(found[1]).toEqual(ownCells(1));
    expect(found[0]).not.toEqual(ownCells(0));
  });

  it("names the photo whose map is missing, and the missing option", async () => {
    await expect(foregroundOf({ source: "maps" }, 3)).rejects.toMatchObject({
      code: "maps-missing",
      message: expect.stringContaining("a/3.png"),
    });
    await expect(foregroundOf({ source: "maps", maps: undefined })).rejects.toMatchObject({
      code: "no-maps-given",
    });
  });

  it.each([
    ["nothing is masked", { fill: "none" }],
    ["cells are masked at random", { cells: "random" }],
  ])("asks nobody where %s, and frees a source that it was given", async (_, mask) => {
    const { photos, cache } = await photosWithMaps();
    const dataset = await openDataset(photos, { size: 16, cacheDir: cache });
    const config = configSchema.parse({ data: { crop: 16 }, mask });
    const calls: string[] = [];
    const source = {
      name: "never asked",
      maps: () => {
        calls.push("maps");
        return zeros([count, 4, 4]);
      },
      dispose: () => void calls.push("dispose"),
    };
    const guide = await SaliencyGuide.open(config, { dataset, cell: 4, source });
    const ids = Int32Array.from({ length: count }, (_, i) => i);
    const draw = wholeView(ids, dataset.originalSizes, dataset.size);
    const found = scope(() => guide.foregrounds([{ pixels: zeros([count, 3, 16, 16]), draw }], ids));
    guide.dispose();
    dataset.close();
    expect(found).toEqual([null]);
    expect(guide.active).toBe(true);
    expect(calls).toEqual(["dispose"]);
  });

  it("uses the run's encoder after the warm-up, and refreshes it as often as set", async () => {
    const { photos, cache } = await photosWithMaps();
    const dataset = await openDataset(photos, { size: 16, cacheDir: cache });
    const saliency = { source: "own", warmupEpochs: 1, refreshEvery: 2, scope: "photo" };
    const config = configSchema.parse({ data: { crop: 16 }, saliency });
    const guide = await SaliencyGuide.open(config, { dataset, cell: 8 });
    const encoders = [0, 1, 2, 3].map((seed) =>
      createBackbone({ arch: "resnet18", stem: "small", width: 4 }, new Generator(seed)),
    );
    const readFrom: (number | null)[] = [];
    for (const [epoch, encoder] of encoders.entries()) {
      guide.beforeEpoch(epoch, encoder);
      const frozen = guide.state()["conv1.weight"]?.toArray().join();
      const from = encoders.findIndex(
        (other) => scope(() => other.stateDict()["conv1.weight"].toArray().join()) === frozen,
      );
      readFrom.push(from < 0 ? null : from);
    }
    expect(readFrom).toEqual([null, 1, 1, 3]);
    guide.dispose();
    for (const encoder of encoders) encoder.dispose();
    dataset.close();
  });
});
