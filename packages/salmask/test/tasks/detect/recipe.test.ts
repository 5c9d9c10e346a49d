import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import type { Box } from "../../../src/data/samples/box.js";
import { chooseByPhotos, type Situation } from "../../../src/tasks/detect/recipe.js";
import { detectSettings } from "../../../src/tasks/detect/settings.js";

type Photos = Situation["photos"];
const strides = [4, 8, 16, 32];

function photo(height: number, width: number, boxes: readonly Box[]): Photos[number] {
  const object = { id: 1, category: 0, area: 1, segmentation: null, isCrowd: false, isDifficult: false };
  return { height, width, objects: boxes.map((box) => ({ ...object, box })) };
}

/** Photos of any shapes with objects of any sizes. */
function drawn(seed: number): Photos {
  const random = new KeyedRandom(seed, 1);
  const between = (low: number, high: number) => low * (high / low) ** random.uniform();
  const [size, object] = [between(40, 3000), between(0.05, 0.9)];
  return Array.from({ length: 5 + random.integer(200) }, () => {
    const [height, width] = [Math.round(size * between(0.7, 1.4)), Math.round(size * between(0.7, 1.4))];
    const boxes = Array.from({ length: random.integer(5) }, (): Box => {
      const side = Math.min(height, width) * object * between(0.5, 1);
      return [1, 1, 1 + side * between(0.7, 1), 1 + side * between(0.7, 1)];
    });
    return photo(height, width, boxes);
  });
}

const configOf = (given: { train?: object; detection?: object } = {}) => detectSettings.schema.parse(given);
const chosen = (photos: Photos, given?: { train?: object; detection?: object }) =>
  chooseByPhotos(configOf(given), { photos, strides }).config;

describe.each(["fpn", "c4"])("for photos of any size, %s", (design) => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))("settings fit the photos of draw %d", (seed) => {
    const photos = drawn(seed);
    const { detection, train } = chosen(photos, { detection: { design } });
    const [side] = detection.shortSides;
    expect(side % 32).toBe(0);
    expect(side).toBeGreaterThanOrEqual(32);
    expect(side).toBeLessThanOrEqual(800);
    const shortSides = photos.map(({ height, width }) => Math.min(height, width)).sort((a, b) => a - b);
    expect(side).toBeLessThanOrEqual(2 * shortSides[Math.floor(shortSides.length / 2)] + 16);
    // Most photos become as large as their shorter side says.
    const bounded = photos.filter(
      ({ height, width }) => (side * Math.max(height, width)) / Math.min(height, width) > detection.longSide,
    );
    expect(bounded.length).toBeLessThanOrEqual(Math.ceil(0.06 * photos.length));
    expect(detection.longSide).toBeGreaterThanOrEqual(side);

    const { anchorSizes } = detection;
    expect(anchorSizes).toHaveLength(5);
    for (const [i, size] of anchorSizes.entries()) {
      expect(Number.isInteger(size)).toBe(true);
      expect(size).toBeGreaterThan(i === 0 ? 3 : anchorSizes[i - 1]);
    }
    // Of nine objects in ten, the nearest anchor is within half a step between anchors.
    const step = Math.sqrt(Math.max(...anchorSizes.slice(1).map((size, i) => size / anchorSizes[i])));
    const sides = photos.flatMap(({ height, width, objects }) => {
      const scale = Math.min(side / Math.min(height, width), detection.longSide / Math.max(height, width));
      return objects.map(
        ({ box: [left, top, right, bottom] }) => scale * Math.sqrt((right - left) * (bottom - top)),
      );
    });
    const far = sides.filter(
      (length) =>
        length >= 4 && !anchorSizes.some((size) => Math.max(size / length, length / size) <= step * 1.07),
    );
    expect(far.length).toBeLessThanOrEqual(0.12 * sides.length + 1);

    const steps = Math.max(1, Math.floor(photos.length / 4)) * Number(train.epochs);
    expect(Math.abs(steps - 2000) < 100 || train.epochs === 12 || train.epochs === 200).toBe(true);
  });
});

describe("what is set", () => {
  const photos = [photo(240, 320, [[0, 0, 40, 40]]), photo(240, 320, [[0, 0, 80, 80]])];

  it("stays, and decides the rest", () => {
    const given = { shortSides: [96, 120], longSide: 200, anchorSizes: [8, 16, 32, 64, 128] };
    const { config, why } = chooseByPhotos(configOf({ detection: given, train: { epochs: 3 } }), {
      photos,
      strides,
    });
    expect(config.detection).toMatchObject(given);
    expect(config.train.epochs).toBe(3);
    expect(why).toEqual([]);
    const { detection } = chosen(photos, { detection: { shortSides: [96, 120] } });
    // The last one is what photos are scored at, half of their size: objects of 20 and 40 px.
    expect(detection).toMatchObject({ longSide: 160, anchorSizes: [20, 24, 28, 34, 40] });
  });

  it("makes no photo larger than a detector's file may say", () => {
    expect(chosen([photo(100, 400, [])], { detection: { shortSides: [8000] } }).detection.longSide).toBe(
      8192,
    );
  });

  it("is in steps instead of epochs where it is", () => {
    expect(chosen(photos, { train: { steps: 10 } }).train).toMatchObject({ steps: 10, epochs: "auto" });
  });
});

it("keeps photos as they are, and enlarges those whose objects are small", () => {
  const of = (side: number, design: string) =>
    chosen([photo(128, 128, [[0, 0, side, side]])], { detection: { design } }).detection.shortSides;
  expect(of(16, "fpn")).toEqual([128]);
  expect(of(6, "fpn")).toEqual([160]); // 8 px want 1.33 times the size
  expect(of(16, "c4")).toEqual([256]); // places of 16 px
  expect(of(2, "c4")).toEqual([256]); // twice is most
});

it("says each choice once, and gives torchvision's anchors where no photo shows an object", () => {
  const { config, why } = chooseByPhotos(configOf(), { photos: [photo(800, 1000, [])], strides });
  expect(config.detection).toMatchObject({
    shortSides: [800],
    longSide: 1024,
    anchorSizes: [32, 64, 128, 256, 512],
  });
  expect(why.map((sentence) => /\((.*)\)$/.exec(sentence)?.[1])).toEqual([
    "detection.shortSides",
    "detection.longSide",
    "detection.anchorSizes",
    "train.epochs",
  ]);
});
