import { createHash } from "node:crypto";
import type { AnnotatedPhotos } from "../../data/samples/objects.js";

/** Hexadecimal digits of the photos' names and sizes and of their objects: what a resumed run knows its photos by. */
export function fingerprintOf({
  categories,
  photos,
}: Pick<AnnotatedPhotos, "categories" | "photos">): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(categories.map(({ id, name }) => [id, name])));
  for (const { name, height, width, objects } of photos) {
    const boxes = objects.map(({ id, category, box, area, isCrowd }) => [
      id,
      category,
      ...box,
      area,
      isCrowd,
    ]);
    hash.update(JSON.stringify([name, height, width, boxes]));
  }
  return hash.digest("hex");
}
