import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { mapOrdered } from "../packages/salmask/src/base/concurrent.js";
import { generateEmbedded } from "../packages/salmask/src/data/embedded/generate.js";

/** Number of drawn pictures. More photos are copies with other names, which are read and decoded like any other. */
const drawn = 256;

/** Fills `folder/photos` with JPEGs (quality 90) of `side` pixels, drawn like the embedded set. Returns that folder. */
export async function jpegPhotos(
  folder: string,
  { count, side }: { count: number; side: number },
): Promise<string> {
  const [pictures, photos] = [join(folder, "pictures"), join(folder, "photos")];
  await generateEmbedded(pictures, { train: Math.min(count, drawn), test: 1, size: side });
  mkdirSync(photos);
  const train = join(pictures, "train");
  const names = readdirSync(train, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".png"),
  );
  const toJpeg = async (name: string, i: number) => {
    const jpeg = join(photos, `${i}.jpg`);
    await sharp(join(train, name)).jpeg({ quality: 90 }).toFile(jpeg);
    for (let copy = i + names.length; copy < count; copy += names.length) {
      cpSync(jpeg, join(photos, `${copy}.jpg`));
    }
  };
  for await (const _ of mapOrdered(names.entries(), 4, ([i, name]) => toJpeg(name, i)));
  rmSync(pictures, { recursive: true });
  return photos;
}
