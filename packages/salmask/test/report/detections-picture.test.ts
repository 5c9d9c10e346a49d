import sharp from "sharp";
import { expect, it } from "vitest";
import { pictureOfDetections } from "../../src/report/detections-picture.js";

const side = 64;
const grey = { data: new Uint8Array(3 * side * side).fill(128), height: side, width: side };
/** A square of 16 pixels, 16 from the upper left. */
const counts = Uint32Array.from([
  16 * side + 16,
  ...Array.from({ length: 15 }, () => [16, side - 16]).flat(),
  16,
  side * side - 31 * side - 32,
]);
const object = {
  box: [16, 16, 32, 32],
  name: "<a & b>",
  score: 0.75,
  mask: { height: side, width: side, counts },
  category: 2,
} as const;

it("tints an object's pixels, draws its box, and leaves the rest as it was; the truth stands beside it", async () => {
  const alone = sharp(await pictureOfDetections(grey, [object], null));
  const both = sharp(await pictureOfDetections(grey, [], [{ ...object, score: null }]));
  const [one, two] = [await alone.metadata(), await both.metadata()];
  expect([one.width, one.height]).toEqual([320, 320]);
  expect(two.width).toBeGreaterThan(640);
  const { data, info } = await alone.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) =>
    Array.from(data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3));
  expect(at(300, 300)).toEqual([128, 128, 128]);
  const tinted = at(120, 120);
  expect(tinted).not.toEqual([128, 128, 128]);
  expect(at(130, 140)).toEqual(tinted);
  expect(at(80, 120)).not.toEqual(at(60, 120)); // the left side of the box
  const right = await both.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const offset = right.info.width - 320;
  const beside = (x: number, y: number) =>
    Array.from(
      right.data.subarray(
        (y * right.info.width + offset + x) * 3,
        (y * right.info.width + offset + x) * 3 + 3,
      ),
    );
  expect(beside(120, 120)).toEqual(tinted);
});
