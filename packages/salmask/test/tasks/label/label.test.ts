import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { saveLabels } from "../../../src/tasks/label/csv.js";
import { labelPhotos } from "../../../src/tasks/label/label.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";
import { writeEncoder, writeFlat } from "../embed/made.js";

it("labels photos by one example a class, and by many", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  await writePhotos(at("photos"), 30, 16, ["red", "green", "blue"]);
  await writePhotos(at("one"), 3, 16, ["red", "green", "blue"]);
  await writePhotos(at("many"), 36, 16, ["red", "green", "blue"]);
  const options = { run: at("encoder.safetensors"), photos: at("photos"), cache: at("cache") };
  for (const [examples, count] of [
    ["one", 1],
    ["many", 12],
  ] as const) {
    const { classes, labelled, examples: counts } = await labelPhotos({ ...options, examples: at(examples) });
    expect(classes).toEqual(["blue", "green", "red"]);
    expect(counts).toEqual([count, count, count]);
    expect(labelled).toHaveLength(30);
    const right = labelled.filter(({ path, label }) => path.startsWith(`${label}/`));
    expect(right.length, examples).toBeGreaterThanOrEqual(29);
    for (const { probability } of labelled) {
      expect(probability).toBeGreaterThan(1 / 3);
      expect(probability).toBeLessThanOrEqual(1);
    }
  }
});

it("leaves out examples that lie among the photos, and refuses a single class", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  await writeFlat(at("photos/x.png"), [220, 30, 30]);
  await writeFlat(at("photos/known/red/r.png"), [200, 20, 20]);
  await writeFlat(at("photos/known/blue/b.png"), [20, 20, 200]);
  const options = { run: at("encoder.safetensors"), photos: at("photos"), cache: at("cache") };
  const { labelled } = await labelPhotos({ ...options, examples: at("photos/known") });
  expect(labelled.map(({ path, label }) => [path, label])).toEqual([["x.png", "red"]]);
  await expect(labelPhotos({ ...options, examples: at("photos/known/red") })).rejects.toMatchObject({
    code: "no-classes",
  });
});

it("writes CSV with quotes where they are needed", async () => {
  const path = join(await temporaryFolder(), "labels.csv");
  await saveLabels(path, [
    { path: "a.png", label: "cat", probability: 0.75 },
    { path: 'b, "c".png', label: "a\nb", probability: 1 },
  ]);
  expect(await readFile(path, "utf8")).toBe(
    'path,class,probability\na.png,cat,0.750000\n"b, ""c"".png","a\nb",1.000000\n',
  );
});
