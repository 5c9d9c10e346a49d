import { join, relative, sep } from "node:path";
import { DataError } from "../../base/errors.js";
import { type AnnotatedPhotos, namesOf } from "./objects.js";

/**
 * Parts of one set as one, such as VOC's trainval of 2007 and 2012. Photos and objects get new numbers where there are several parts,
 * because each part numbers its own. Throws {@link DataError} `other-categories` where the parts name other things.
 */
export function joinObjects(parts: readonly AnnotatedPhotos[]): AnnotatedPhotos {
  const [first, ...others] = parts;
  if (first === undefined) throw new RangeError("Expected at least one part, got none.");
  if (others.length === 0) return first;
  const names = namesOf(first.categories);
  const other = others.find((part) => namesOf(part.categories) !== names);
  if (other !== undefined) {
    throw new DataError(
      "other-categories",
      `Expected parts with the same categories, got ${names} in ${first.path} and ${namesOf(other.categories)} in ${other.path}.`,
    );
  }
  const path = commonFolder(parts.map((part) => part.path));
  let id = 0;
  let objectId = 0;
  const photos = parts.flatMap((part) =>
    part.photos.map((photo) => ({
      ...photo,
      id: id++,
      name: relative(path, join(part.path, photo.name)).split(sep).join("/"),
      objects: photo.objects.map((object) => ({ ...object, id: ++objectId })),
    })),
  );
  return { path, categories: first.categories, photos };
}

/** The deepest folder that holds all of some absolute folders. */
function commonFolder(paths: readonly string[]): string {
  const [first, ...others] = paths.map((path) => path.split(sep));
  const differs = first.findIndex((name, i) => others.some((other) => other[i] !== name));
  const shared = differs < 0 ? first : first.slice(0, differs);
  return shared.join(sep) || sep;
}
