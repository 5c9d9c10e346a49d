import { scope } from "@salmask/torch";
import { expect, test } from "vitest";
import { resizedBatch, resizedSize, sizeOf } from "../../src/detection/resize.js";
import { objectsOf } from "../../src/detection/targets.js";
import { IMAGENET_NORMALIZATION } from "../../src/image/normalize.js";
import { goldensOf } from "./parts.js";

test("photos, boxes and masks are resized and put into a batch as torchvision does", () => {
  const goldens = goldensOf("resize");
  scope(() => {
    const photos = [0, 1, 2].map((i) => goldens.tensor(`photo/${i}`)); // [3, H, W]
    const before = photos.map((photo) => photo.toFloat32Array());
    const sizes = photos.map((photo) => resizedSize(sizeOf(photo), 100, 150));
    expect(sizes.flatMap(({ height, width }) => [height, width])).toEqual(Array.from(goldens.array("sizes")));
    const options = { device: "cpu", normalization: IMAGENET_NORMALIZATION };
    const { pictures } = resizedBatch(photos, sizes, options);
    goldens.expectClose(pictures, "pictures", 1e-6);
    expect(photos.map((photo) => photo.toFloat32Array())).toEqual(before);
    for (const [i, photo] of photos.entries()) {
      const masks = goldens.tensor(`masks/${i}`).to({ dtype: "uint8" }); // [3, H, W]
      const pixels = masks.reshape([-1]).toTypedArray();
      for (const given of [masks, Uint8Array.from(Array.from(pixels, Number))]) {
        const truth = { boxes: goldens.array(`boxes/${i}`), labels: Int32Array.of(1, 2, 3), masks: given };
        const to = { from: sizeOf(photo), to: sizes[i] };
        const objects = objectsOf(truth, to, { device: "cpu", withMasks: true });
        goldens.expectClose(objects.boxes, `resized/boxes/${i}`, 1e-6);
        expect(objects.masks?.shape).toEqual(goldens.shape(`resized/masks/${i}`));
        expect(objects.masks?.toFloat32Array()).toEqual(goldens.array(`resized/masks/${i}`));
      }
    }
  });
});

test("a photo without objects has none at another size", () => {
  scope(() => {
    const sizes = { from: { height: 4, width: 6 }, to: { height: 8, width: 12 } };
    const none = { boxes: new Float32Array(), labels: new Int32Array(), masks: new Uint8Array() };
    const objects = objectsOf(none, sizes, { device: "cpu", withMasks: true });
    expect(objects.boxes.shape).toEqual([0, 4]);
    expect(objects.masks?.shape).toEqual([0, 8, 12]);
  });
});
