import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { KeyedRandom } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import type { Box } from "../../../src/data/samples/box.js";
import { decodeMask, encodeMask, rleOfCounts } from "../../../src/data/samples/rle.js";
import { areaOf, boxOf } from "../../../src/data/samples/rle-extent.js";
import { maskIous } from "../../../src/data/samples/rle-overlap.js";
import { rleOfString, stringOfRle } from "../../../src/data/samples/rle-string.js";
import { CocoMetric, type CocoResult } from "../../../src/metrics/average-precision/coco.js";
import type { Detection, ScoredPhoto, Truth } from "../../../src/metrics/average-precision/detection.js";
import { VocMetric } from "../../../src/metrics/average-precision/voc.js";
import { hasShared, unpackShared } from "../../support/shared-data.js";
import { type By, bruteCoco } from "./brute-force.js";
import { expectClose } from "./close.js";

/** What the test reads of COCO's file. */
interface Annotations {
  categories: { id: number }[];
  images: { id: number }[];
  annotations: {
    id: number;
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area: number;
    iscrowd: number;
    segmentation: { size: [number, number]; counts: number[] };
  }[];
}

const categories = 80;

async function readTruths(): Promise<ScoredPhoto["truths"][]> {
  const folder = await unpackShared("coco100-dev", ["*.json"]);
  const file: Annotations = JSON.parse(await readFile(join(folder, "instances_train2017.json"), "utf8"));
  const place = new Map(file.categories.map(({ id }, i) => [id, i]));
  return file.images.map((image) => {
    const here = file.annotations.filter((one) => one.image_id === image.id);
    return here.map(({ id, category_id, bbox: [x, y, w, h], area, iscrowd, segmentation }): Truth => {
      const [height, width] = segmentation.size;
      const mask = rleOfCounts(segmentation.counts, height, width);
      const box: Box = [x, y, x + w, y + h];
      const category = place.get(category_id)!;
      return { id, category, box, area, mask, isCrowd: iscrowd === 1, isDifficult: false };
    });
  });
}

let read: Promise<ScoredPhoto["truths"][]> | undefined;
/** Each photo's objects, unpacked by the first test that asks. */
function cocoTruths(): Promise<ScoredPhoto["truths"][]> {
  read ??= readTruths();
  return read;
}

function scored(photos: readonly ScoredPhoto[], by: By): CocoResult {
  const metric = new CocoMetric({ categories, by });
  for (const photo of photos) metric.add(photo);
  return metric.result();
}

const found = ({ category, box, mask }: Truth): Detection => ({ category, box, mask, score: 1 });

/** An object without what lies in the upper half of its box. */
function lowerPart(one: Truth): Truth {
  const { height, width } = one.mask!;
  const [, top, , bottom] = one.box;
  const pixels = decodeMask(one.mask!).fill(0, 0, Math.ceil((top + bottom) / 2) * width);
  const mask = encodeMask(pixels, height, width);
  return { ...one, mask, box: boxOf(mask)! };
}

describe.skipIf(!hasShared("coco100-dev"))("100 photos of COCO", () => {
  test("hold masks whose pixels and boxes are those of the file", async () => {
    const all = await cocoTruths();
    const objects = all.flat();
    expect([all.length, objects.length, objects.filter(({ isCrowd }) => isCrowd).length]).toEqual([
      100, 746, 6,
    ]);
    for (const { id, mask, area, box } of objects) {
      expect(areaOf(mask!), `area of ${id}`).toBe(area);
      // The file's boxes are whole numbers, up to a pixel off on each side.
      for (const [i, corner] of boxOf(mask!)!.entries()) {
        expect(Math.abs(corner - box[i]), `corner ${i} of ${id}`).toBeLessThanOrEqual(1);
      }
    }
  });

  test("hold masks that come back from pixels and from compressed runs", async () => {
    const all = await cocoTruths();
    // Crowds are there, and every seventh of the others.
    const some = all.flat().filter(({ isCrowd }, i) => isCrowd || i % 7 === 0);
    for (const { mask } of some) {
      const { height, width } = mask!;
      expect(encodeMask(decodeMask(mask!), height, width)).toEqual(mask);
      expect(rleOfString(stringOfRle(mask!), height, width)).toEqual(mask);
    }
  });

  test("have overlaps of masks that are those of their pixels", async () => {
    const all = await cocoTruths();
    for (const truths of all.slice(0, 10)) {
      const masks = truths.slice(0, 8).map(({ mask }) => mask!);
      const pixels = masks.map(decodeMask);
      const expected = pixels.flatMap((a) =>
        pixels.map((b) => {
          let [both, either] = [0, 0];
          for (let i = 0; i < a.length; i++) {
            both += a[i] & b[i];
            either += a[i] | b[i];
          }
          return both / either;
        }),
      );
      const none = masks.map(() => false);
      expect([...maskIous(masks, masks, none)]).toEqual(expected);
    }
  });

  test.each<By>(["boxes", "masks"])(
    "scored against themselves, by %s, are found without a mistake",
    async (by) => {
      const all = await cocoTruths();
      const photos = all.map((truths) => ({
        truths,
        detections: truths.filter(({ isCrowd }) => !isCrowd).map(found),
      }));
      const { all: scores, byCategory } = scored(photos, by);
      const { ap, ap50, ap75, apSmall, apMedium, apLarge, ar100 } = scores;
      expect([ap, ap50, ap75, apSmall, apMedium, apLarge, ar100]).toEqual([1, 1, 1, 1, 1, 1, 1]);
      const wanted = new Set(photos.flatMap(({ detections }) => detections.map(({ category }) => category)));
      expect(byCategory.map((one) => one.ap)).toEqual(
        Array.from({ length: categories }, (_, category) => (wanted.has(category) ? 1 : null)),
      );
      expect(scores.ar1).toBeLessThan(1);

      // Crowds and parts of them, found first, change nothing.
      const withCrowds = all.map((truths) => ({
        truths,
        detections: truths.flatMap((one) =>
          one.isCrowd
            ? [one, lowerPart(one)].map((part) => ({ ...found(part), score: 2 }))
            : [{ ...found(one), score: 1 }],
        ),
      }));
      expect(scored(withCrowds, by).all.ap).toBe(1);

      const voc = new VocMetric({ categories, by });
      for (const photo of withCrowds) voc.add(photo);
      expect(voc.result().all.area.ap).toBe(1);
    },
  );

  test("with boxes that are moved, left out and made up, are scored as by brute force", async () => {
    const all = await cocoTruths();
    const random = new KeyedRandom(5, 14);
    const photos = all.slice(0, 12).map((truths) => {
      const moved = truths
        .filter(() => random.uniform() < 0.8)
        .map((one): Detection => {
          const by = () => random.integer(9) - 4;
          const [left, top, right, bottom] = one.box;
          const box: Box = [
            left + by(),
            top + by(),
            Math.max(left + 5, right + by()),
            Math.max(top + 5, bottom + by()),
          ];
          const category = random.uniform() < 0.9 ? one.category : random.integer(categories);
          return { category, box, mask: null, score: random.integer(20) };
        });
      return { truths, detections: moved };
    });
    const result = scored(photos, "boxes");
    expect(result.all.ap).toBeGreaterThan(0.1);
    expect(result.all.ap).toBeLessThan(0.9);
    expectClose(result, bruteCoco(photos, categories, "boxes"));
  });
});
