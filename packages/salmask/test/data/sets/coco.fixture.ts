import { temporaryFolder } from "../../support/photos.js";
import { empty, writeAll } from "./fixtures.js";

/** A ring of corners, x and y in turn. */
export const square = [[1, 1, 5, 1, 5, 5, 1, 5]];
/** An object of that outline. */
export const box = { bbox: [1, 1, 4, 4], area: 16, iscrowd: 0, segmentation: square };

/** Three photos, the last without objects; categories with a gap, not in their order. */
export const wholeCoco = () => ({
  images: [
    { id: 7, file_name: "a.jpg", width: 10, height: 8 },
    { id: 9, file_name: "b.jpg", width: 6, height: 6 },
    { id: 3, file_name: "c.jpg", width: 6, height: 6 },
  ] as Record<string, unknown>[],
  categories: [
    { id: 90, name: "toothbrush" },
    { id: 1, name: "person" },
  ] as Record<string, unknown>[],
  annotations: [
    { id: 11, image_id: 7, category_id: 90, ...box },
    { id: 12, image_id: 9, category_id: 1, bbox: [0.5, 0, 5, 5.25] },
    {
      id: 13,
      image_id: 7,
      category_id: 1,
      bbox: [0, 0, 10, 8],
      iscrowd: 1,
      area: 80,
      segmentation: { size: [8, 10], counts: [0, 80] },
    },
  ] as Record<string, unknown>[],
});

/** Writes annotations and their three photos to a folder of its own, which it returns. */
export async function writeCoco(json: unknown, layout: { json: string; photos: string }): Promise<string> {
  const root = await temporaryFolder();
  const photos = empty(...["a.jpg", "b.jpg", "c.jpg"].map((name) => `${layout.photos}${name}`));
  await writeAll(root, { [layout.json]: JSON.stringify(json), ...photos });
  return root;
}

/** As in the published set of 2017. */
export const usualLayout = { json: "annotations/instances_train2017.json", photos: "train2017/" };
