/**
 * `npx tsx packages/salmask/scripts/measure-duplicates.ts RUN PHOTOS`: which duplicates an encoder finds at which threshold, and how
 * many photos it takes for duplicates of others. PHOTOS must not hold duplicates of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { openFolder } from "../src/data/sources/folder.js";
import { NearestRows } from "../src/metrics/nearest.js";
import { embed } from "../src/tasks/embed/embed.js";

const thresholds = [0.95, 0.98, 0.99, 0.995, 0.998];
const photosAtMost = 1200;
const changedPhotos = 150;

type Change = (photo: Sharp, width: number, height: number) => Sharp;
const box = (left: number, top: number, width: number, height: number) => ({
  left: Math.round(left),
  top: Math.round(top),
  width: Math.round(width),
  height: Math.round(height),
});
const changes: Readonly<Record<string, Change>> = {
  "JPEG quality 40": (photo) => photo.jpeg({ quality: 40 }),
  "half the size": (photo, width) => photo.resize(Math.round(width / 2)).jpeg({ quality: 90 }),
  "90 % of each side": (photo, w, h) =>
    photo.extract(box(0.05 * w, 0.05 * h, 0.9 * w, 0.9 * h)).jpeg({ quality: 90 }),
  "75 % of each side": (photo, w, h) =>
    photo.extract(box(0.1 * w, 0.05 * h, 0.75 * w, 0.75 * h)).jpeg({ quality: 90 }),
  "brighter by 20 %": (photo) => photo.modulate({ brightness: 1.2 }).jpeg({ quality: 90 }),
  mirrored: (photo) => photo.flop().jpeg({ quality: 90 }),
};

const [run, photos] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "salmask-duplicates-"));
try {
  const source = await openFolder(photos);
  const step = Math.max(1, Math.floor(source.names.length / photosAtMost));
  const names = source.names.filter((_, i) => i % step === 0).slice(0, photosAtMost);
  const kinds = ["original", ...Object.keys(changes)];
  await mkdir(join(folder, "photos"));
  for (const [i, name] of names.entries()) {
    const { data, info } = await sharp(await readFile(join(photos, name)))
      .removeAlpha()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const fresh = () =>
      sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
    const file = (kind: string) => join(folder, "photos", `${i}.${kinds.indexOf(kind)}.jpg`);
    await fresh().jpeg({ quality: 95 }).toFile(file("original"));
    if (i >= changedPhotos) continue;
    for (const [kind, change] of Object.entries(changes))
      await change(fresh(), info.width, info.height).toFile(file(kind));
  }
  using embeddings = await embed({ run, photos: join(folder, "photos"), cache: join(folder, "cache") });
  using index = new NearestRows(embeddings.vectors);
  const facts = embeddings.paths.map((path) => path.split(".").map(Number));
  const wrong = thresholds.map(() => new Set<number>());
  const found = thresholds.map(() => kinds.map(() => 0));
  for (const { pairs } of index.pairs(thresholds[0])) {
    for (const { first, second, cosine } of pairs) {
      const [[a, kindOfA], [b, kindOfB]] = [facts[first], facts[second]];
      for (const [t, threshold] of thresholds.entries()) {
        if (cosine < threshold) continue;
        if (a === b && (kindOfA === 0 || kindOfB === 0)) found[t][kindOfA + kindOfB]++;
        if (a !== b && kindOfA === 0 && kindOfB === 0) for (const photo of [a, b]) wrong[t].add(photo);
      }
    }
  }
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  console.log(["similarity from", ...thresholds].join(" | "));
  for (const [k, kind] of kinds.entries())
    if (k > 0) console.log([kind, ...found.map((counts) => percent(counts[k], changedPhotos))].join(" | "));
  console.log(["wrong", ...wrong.map((set) => percent(set.size, names.length))].join(" | "));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
