import { full, keep, liveTensors, ops, scope, type Tensor, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { oneRank, type Ranks } from "../../../src/ranks/ranks.js";
import { SaliencyGuide } from "../../../src/saliency/guide.js";
import { mapAllPhotos, PhotoMaps, photoViewOf } from "../../../src/saliency/maps/photo-maps.js";
import type { LateSaliencySource, MapSize, SaliencySource } from "../../../src/saliency/source.js";
import { wholeView } from "../../../src/views/draw.js";
import { flat, flatDataset, flatSide } from "../../support/flat-photos.js";

/** Photos of one colour, each with a different strength. */
const dataset = flatDataset(flat("red", 0, 6), ["red"]);
const view = { rows: 2, cols: 3, side: 8 };

/** The map value of each photo from a source that measures the amount of blue. */
const known = scope(() =>
  Array.from({ length: dataset.length }, (_, id) => {
    const [pixel] = scope(() => dataset.images(Int32Array.of(id)).select(1, 2).toArray());
    return (pixel / 255 - 0.406) / 0.225;
  }),
);

/** Measures how blue photos are, and records the batch sizes. */
class Blueness implements SaliencySource {
  readonly name = "blueness";
  readonly asked: number[] = [];
  readonly seen: number[] = [];
  isFree = false;

  maps(crops: Tensor, { rows, cols }: MapSize): Tensor {
    this.asked.push(crops.shape[0]);
    this.seen.push(...crops.shape.slice(2));
    const blue = crops.select(1, 2).mean([1, 2], { keepdim: true }); // [B, 1, 1]
    return blue.repeat([1, rows, cols]); // [B, rows, cols]
  }

  dispose(): void {
    this.isFree = true;
  }
}

/** The values of maps by row; each map has a single value. */
function valuesOf(maps: Tensor): number[] {
  const [rows, height, width] = maps.shape;
  const values = maps.toArray();
  return Array.from({ length: rows }, (_, row) => {
    const own = new Set(values.slice(row * height * width, (row + 1) * height * width));
    expect(own.size).toBe(1);
    return [...own][0];
  });
}

const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 4));

describe("the maps of photos", () => {
  it("are computed by the rank that first sees the photo, and known to all", () => {
    const source = new Blueness();
    const maps = PhotoMaps.lazily({ source, dataset, view, device: "cpu" });
    // Rank 0, which is not here, sees photos 0 and 5; its maps are all 7.
    const second: Ranks = {
      ...oneRank,
      rank: 1,
      worldSize: 2,
      gather: (own) =>
        own.dtype === "int32"
          ? ops.cat([tensor(Int32Array.of(0, 5)), own])
          : ops.cat([full([...own.shape], 7), own]),
    };
    scope(() => {
      maps.share(Int32Array.of(2, 3), second);
      expect(source.asked).toEqual([2]);
      expect(valuesOf(maps.of(Int32Array.of(0, 2, 3, 5)))).toEqual(close([7, known[2], known[3], 7]));
      expect(source.asked).toEqual([2]);
      const ids = (own: Tensor) =>
        own.dtype === "int32" ? own : expect.fail("known maps are not sent again");
      maps.share(Int32Array.of(5, 2), { ...second, gather: ids });
    });
    maps.dispose();
  });

  it("are computed when they are first needed, each only once", () => {
    const source = new Blueness();
    const maps = PhotoMaps.lazily({ source, dataset, view, device: "cpu" });
    const of = (...ids: number[]) => scope(() => valuesOf(maps.of(Int32Array.from(ids))));
    expect(source.asked).toEqual([]);
    expect(of(4, 1)).toEqual(close([known[4], known[1]]));
    expect(source.asked).toEqual([2]);
    expect(source.seen).toEqual([8, 8]);
    expect(of(1, 4, 1)).toEqual(close([known[1], known[4], known[1]]));
    expect(source.asked).toEqual([2]);
    expect(of(0, 4, 0)).toEqual(close([known[0], known[4], known[0]]));
    expect(source.asked).toEqual([2, 1]);
    expect(source.isFree).toBe(false);
    maps.dispose();
    expect(source.isFree).toBe(true);
  });

  it("are computed again after an error of the source", () => {
    const source = new Blueness();
    let isBroken = true;
    const broken: SaliencySource = {
      name: "broken",
      maps: (crops, size) => {
        if (isBroken) throw new Error("out of order");
        return source.maps(crops, size);
      },
      dispose: () => source.dispose(),
    };
    const maps = PhotoMaps.lazily({ source: broken, dataset, view, device: "cpu" });
    const first = () => scope(() => valuesOf(maps.of(Int32Array.of(2))));
    expect(first).toThrow("out of order");
    isBroken = false;
    expect(first()).toEqual(close([known[2]]));
    maps.dispose();
  });

  it("are computed for scope photo as squares of twice the crop, for any view", async () => {
    const saliency = { source: "centre", scope: "photo", threshold: { rule: "mean" } };
    const config = configSchema.parse({ data: { crop: flatSide }, saliency });
    const source = new Blueness();
    const guide = await SaliencyGuide.open(config, { dataset, cell: 8, source });
    expect(source.asked).toEqual([]);
    const ids = Int32Array.of(5, 3);
    const draw = wholeView(ids, dataset.originalSizes, dataset.size);
    const crops = () => ({ pixels: full([2, 3, flatSide, flatSide], 0), draw });
    scope(() => guide.foregrounds([crops(), crops()], ids));
    scope(() => guide.foregrounds([crops()], ids));
    expect(source.asked).toEqual([2]);
    expect(new Set(source.seen)).toEqual(new Set([photoViewOf(flatSide, 8).side]));
    expect(photoViewOf(flatSide, 8)).toEqual({ rows: 4, cols: 4, side: 32 });
    guide.dispose();
    expect(source.isFree).toBe(true);
  });
});

describe("an asynchronous source", () => {
  const late = (asked: Blueness): LateSaliencySource => ({
    name: "late",
    mapsLater: async (crops, size) => {
      await new Promise(setImmediate);
      return keep(scope(() => asked.maps(crops, size)));
    },
    dispose: async () => {},
  });

  it("computes each photo separately before training, and reports progress", async () => {
    const asked = new Blueness();
    const reported: string[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      reported.push(`${done} of ${total}`);
    const maps = await mapAllPhotos(late(asked), dataset, view, { onProgress });
    expect(maps.shape).toEqual([6, 2, 3]);
    expect(valuesOf(maps)).toEqual(close(known));
    expect(asked.asked).toEqual([1, 1, 1, 1, 1, 1]);
    expect(reported).toEqual([1, 2, 3, 4, 5, 6].map((done) => `${done} of 6`));
    maps.dispose();
  });

  it("can compute only some photos; the other maps are zeros", async () => {
    const asked = new Blueness();
    const maps = await mapAllPhotos(late(asked), dataset, view, { ids: Int32Array.of(3, 0) });
    expect(valuesOf(maps)).toEqual(close([known[0], 0, 0, known[3], 0, 0]));
    expect(asked.asked).toHaveLength(2);
    maps.dispose();
  });

  it("computes nothing more after an interrupt, and leaks nothing", async () => {
    const asked = new Blueness();
    const abort = new AbortController();
    const before = liveTensors().count;
    const mapping = mapAllPhotos(late(asked), dataset, view, {
      signal: abort.signal,
      onProgress: ({ done }) => {
        if (done === 2) abort.abort();
      },
    });
    await expect(mapping).rejects.toMatchObject({ code: "interrupted", exitCode: 130 });
    expect(asked.asked).toHaveLength(2);
    expect(liveTensors().count).toBe(before);
  });

  it("ends the mapping with its error, and leaks nothing", async () => {
    const source: LateSaliencySource = {
      name: "broken",
      mapsLater: () => Promise.reject(new Error("out of order")),
      dispose: async () => {},
    };
    await expect(mapAllPhotos(source, dataset, view)).rejects.toThrow("out of order");
  });
});
