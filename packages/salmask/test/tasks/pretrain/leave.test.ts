import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { silent } from "../../../src/base/events.js";
import { onCpu } from "../../../src/compute/compute.js";
import { configSchema } from "../../../src/config/schema.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { mapFileSchema, viewsFileSchema } from "../../../src/runs/tile-files.js";
import { leaveMap } from "../../../src/tasks/pretrain/leave-map.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { Eye, flat, flatDataset } from "../../support/flat-photos.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

const read = async (folder: string, name: string) => JSON.parse(await readFile(join(folder, name), "utf8"));

/** The mean colour of a small picture, by its place in the file. */
async function colourOf(file: string, place: number, { side, across }: { side: number; across: number }) {
  const [left, top] = [(place % across) * side, Math.floor(place / across) * side];
  const { channels } = await sharp(
    await sharp(file).extract({ left, top, width: side, height: side }).toBuffer(),
  ).stats();
  return channels.map(({ mean }) => mean);
}

it("leaves the views of the last epoch, with saliency and masks once there are some", async () => {
  const root = await temporaryFolder();
  const [photos, out] = [join(root, "photos"), join(root, "run")];
  await writePhotos(photos, 24, 16, ["a", "b", "c"]);
  await pretrain({ photos, out, config: configSchema.parse(smallSettings), resume: false });
  const { step, side, columns, photos: names } = viewsFileSchema.parse(await read(out, "views.json"));
  expect({ step, count: names.length }).toEqual({ step: 9, count: 6 });
  expect(columns).toEqual([
    "photo",
    "key crop",
    "its saliency",
    "its object",
    "key",
    "query",
    "hard negative",
  ]);
  const file = join(out, "views.jpg");
  const { width, height } = await sharp(file).metadata();
  expect({ width, height }).toEqual({ width: columns.length * side, height: names.length * side });
  for (const [row, name] of names.entries()) {
    const drawn = await colourOf(file, row * columns.length, { side, across: columns.length });
    const { channels } = await sharp(join(photos, name)).stats();
    for (const [i, { mean }] of channels.entries()) expect(Math.abs(drawn[i] - mean)).toBeLessThan(4);
  }
});

it("leaves a map on which photos with like features are neighbours", async () => {
  const folder = new RunFolder(await temporaryFolder());
  const photos = [...flat("red", 0, 20), ...flat("blue", 1, 20)];
  const dataset = flatDataset(photos, ["red", "blue"]);
  using eye = new Eye([0, 2]);
  const config = configSchema.parse({ ...smallSettings, mask: { fill: "mean" } });
  const options = { folder, dataset, config, compute: onCpu, step: 7, report: silent };
  await leaveMap(eye, { ...options, seen: 2999 });
  await expect(read(folder.path, "map.json")).rejects.toThrow("ENOENT");
  await leaveMap(eye, { ...options, seen: 1e6 });
  const map = mapFileSchema.parse(await read(folder.path, "map.json"));
  expect(map.photos.map(({ name }) => name)).toEqual(dataset.names);
  const alike = map.photos.filter((photo) => {
    const distance = (other: typeof photo) => (other.x - photo.x) ** 2 + (other.y - photo.y) ** 2;
    const others = map.photos.filter((other) => other !== photo);
    return others.reduce((a, b) => (distance(b) < distance(a) ? b : a)).label === photo.label;
  });
  expect(alike.length).toBeGreaterThan(36);
  const [red, , blue] = await colourOf(join(folder.path, "map.jpg"), 39, map);
  expect(blue).toBeGreaterThan(red + 100);
  const again = await readFile(join(folder.path, "map.json"), "utf8");
  await leaveMap(eye, { ...options, seen: 1e6 });
  expect(await readFile(join(folder.path, "map.json"), "utf8")).toBe(again);
});
