/** Saliency maps and masks in files: `NAME.png` for the photo `NAME.jpg`, brighter on the object. */
import { readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import sharp from "sharp";
import { DataError } from "../../base/errors.js";

/** A map in the size of its photo. */
export interface MapFile {
  /** `[height * width]`, 0 to 255. */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** A photo of a data set: its path in the set, and its size in pixels. */
export interface MappedPhoto {
  readonly name: string;
  readonly height: number;
  readonly width: number;
}

/**
 * The path of each photo's map, in the photos' order. The folder is searched with its subfolders. Throws
 * {@link DataError} `no-maps` if the folder does not exist, and `maps-missing` with the names of photos without a map.
 */
export async function findMaps(folder: string, names: readonly string[]): Promise<string[]> {
  const stem = (path: string) => basename(path, extname(path));
  const entries = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new DataError("no-maps", `Expected a folder of maps at ${folder}, but it cannot be listed.`, cause);
  });
  const maps = entries.filter((name) => extname(name).toLowerCase() === ".png");
  const byStem = new Map(maps.map((name) => [stem(name), join(folder, name)]));
  const found = names.map((name) => byStem.get(stem(name)));
  const missing = names.filter((_, i) => found[i] === undefined);
  if (missing.length > 0) {
    throw new DataError(
      "maps-missing",
      `Expected a PNG of the same name in ${folder} for each photo, but ${missing.length} of ${names.length} have none: ` +
        `${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", ..." : ""}.`,
    );
  }
  return found.filter((path) => path !== undefined);
}

/** Reads a photo's map. Throws {@link DataError} `map-size` if it does not have the photo's size, `map-unreadable`. */
export async function readMap(path: string, photo: MappedPhoto): Promise<MapFile> {
  const { data, info } = await sharp(path)
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw new DataError(
        "map-unreadable",
        `Expected a PNG, the map of ${photo.name}, at ${path}: ${cause}`,
        cause,
      );
    });
  if (info.height !== photo.height || info.width !== photo.width) {
    throw new DataError(
      "map-size",
      `Expected the map of ${photo.name} to be ${photo.width} x ${photo.height} pixels as the photo is, but ${path} is ` +
        `${info.width} x ${info.height}.`,
    );
  }
  const pixels = Uint8Array.from({ length: info.width * info.height }, (_, i) => data[i * info.channels]);
  return { pixels, height: info.height, width: info.width };
}
