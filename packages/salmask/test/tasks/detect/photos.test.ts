import { scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import type { AnnotatedPhoto } from "../../../src/data/samples/objects.js";
import { checkSize, pictureOf, truthOf } from "../../../src/tasks/detect/photos.js";

/** Two rows of three pixels; the object is the left column, the crowd is everything. */
const photo = { data: Uint8Array.from({ length: 18 }, (_, i) => 10 * i), height: 2, width: 3 };
const object = { id: 7, category: 1, area: 2, isDifficult: false } as const;
const annotated: AnnotatedPhoto = {
  id: 1,
  name: "a.png",
  height: 2,
  width: 3,
  objects: [
    {
      ...object,
      box: [0, 0, 1, 2],
      isCrowd: false,
      segmentation: { kind: "rle", rle: { height: 2, width: 3, counts: Uint32Array.of(0, 2, 4) } },
    },
    {
      ...object,
      id: 8,
      box: [0, 0, 3, 2],
      isCrowd: true,
      segmentation: { kind: "rle", rle: { height: 2, width: 3, counts: Uint32Array.of(0, 6) } },
    },
  ],
};

describe("a photo and its objects", () => {
  it("are planes in [0, 1], boxes, labels from 1 and masks; crowds are left out", () => {
    const planes = scope(() => pictureOf(photo).toFloat32Array());
    const expected = [0, 1, 2].flatMap((c) =>
      Array.from({ length: 6 }, (_, at) => (10 * (3 * at + c)) / 255),
    );
    for (const [i, value] of planes.entries()) expect(value).toBeCloseTo(expected[i], 6);
    expect(truthOf(annotated, { withMasks: true })).toEqual({
      boxes: Float32Array.of(0, 0, 1, 2),
      labels: Int32Array.of(2),
      masks: Uint8Array.of(1, 0, 0, 1, 0, 0),
    });
    expect(truthOf(annotated, { withMasks: false }).masks).toBeNull();
  });

  it("are mirrored together, and twice is once", () => {
    const mirrored = truthOf(annotated, { withMasks: true, isMirrored: true });
    expect(mirrored.boxes).toEqual(Float32Array.of(2, 0, 3, 2));
    expect(mirrored.masks).toEqual(Uint8Array.of(0, 0, 1, 0, 0, 1));
    scope(() => {
      const [plain, flipped] = [pictureOf(photo), pictureOf(photo, true)];
      expect(flipped.flip([2]).toFloat32Array()).toEqual(plain.toFloat32Array());
      expect(flipped.toFloat32Array()).not.toEqual(plain.toFloat32Array());
    });
  });

  it("have to be of one size, and have masks where masks are asked for", () => {
    expect(() => checkSize(photo, annotated)).not.toThrow();
    expect(() => checkSize({ ...photo, width: 4 }, annotated)).toThrow(
      "Expected a.png to have 2 x 3 pixels as its annotations say, got 2 x 4.",
    );
    const boxed = { ...annotated, objects: annotated.objects.map((one) => ({ ...one, segmentation: null })) };
    expect(() => truthOf(boxed, { withMasks: true })).toThrow(/got annotation 7 with a box alone/);
  });
});
