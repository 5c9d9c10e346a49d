// Packs Imagenette for scripts/gpu.sh: every photo of ARCHIVE (train and val of imagenette-128.tar.gz, 128 px) at 96 px, as WebP of
// quality 32, numbered by name within its class: FOLDER/train/CLASS/0000.webp. Means of 200 photos: 29.5 dB to the pictures of 96 px in
// 1,121 bytes, where quality 40 has 30.4 dB in 1,270, with which the kit would not fit. All rows of an experiment see the same pictures.
// Usage, in the repository after npm run setup: node scripts/gpu-photos.mjs ARCHIVE FOLDER
import { createReadStream, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

const [archive, folder] = process.argv.slice(2);
const side = 96;
const quality = 32;

const packages = createRequire(new URL("../packages/salmask/package.json", import.meta.url));
const sharp = packages("sharp");
const { extract } = packages("tar-stream");

/** Resized photos by their class's folder (`train/n01440764`) and name. */
const classes = new Map();

async function readPhotos(entries) {
  for await (const entry of entries) {
    const { name, type } = entry.header;
    const chunks = [];
    for await (const chunk of entry) chunks.push(chunk);
    if (type !== "file") continue;
    const [part, label] = dirname(name).split("/").slice(-2);
    const photos = classes.get(`${part}/${label}`) ?? [];
    const picture = await sharp(Buffer.concat(chunks))
      .resize(side, side, { fit: "fill" })
      .webp({ quality, effort: 6 })
      .toBuffer();
    photos.push({ name: basename(name), picture });
    classes.set(`${part}/${label}`, photos);
  }
}

await pipeline(createReadStream(archive), createGunzip(), extract(), readPhotos);
const unfinished = `${folder}.part`;
rmSync(unfinished, { recursive: true, force: true });
const totals = { photos: 0, bytes: 0 };
for (const [label, photos] of classes) {
  mkdirSync(join(unfinished, label), { recursive: true });
  photos.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [i, { picture }] of photos.entries()) {
    writeFileSync(join(unfinished, label, `${String(i).padStart(4, "0")}.webp`), picture);
    totals.photos++;
    totals.bytes += picture.length;
  }
}
renameSync(unfinished, folder);
console.log(`${totals.photos} photos of ${side} px, ${(totals.bytes / 1e6).toFixed(1)} MB`);
