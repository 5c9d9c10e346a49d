import { expect, test } from "vitest";
import { openFileList } from "../../../src/data/sources/file-list.js";
import { temporaryFolder, writeFiles } from "../fixtures.js";

test("offers chosen files in the order of their names, with classes that their folders do not say", async () => {
  const path = await temporaryFolder();
  await writeFiles(path, { "jpg/2.jpg": "two", "jpg/1.jpg": "one", "jpg/3.jpg": "three" });
  const files = [
    { name: "jpg/3.jpg", label: 0 },
    { name: "jpg/1.jpg", label: 1 },
  ];
  const source = openFileList({ path, files, classes: ["rose", "tulip"] });
  const found: [string, string][] = [];
  for await (const image of source.images()) {
    found.push([image.name, String(await image.read())]);
    image.release();
  }
  expect(found).toEqual([
    ["jpg/1.jpg", "one"],
    ["jpg/3.jpg", "three"],
  ]);
  expect(source.expected).toBe(2);
  expect(["jpg/1.jpg", "jpg/2.jpg", "jpg/3.jpg"].map((name) => source.labels?.labelOf(name))).toEqual([
    1, -1, 0,
  ]);
  const relabelled = files.map(({ name }) => ({ name, label: 0 }));
  expect(openFileList({ path, files: relabelled, classes: ["rose", "tulip"] }).identity).not.toBe(
    source.identity,
  );
  expect(openFileList({ path, files, classes: ["tulip", "rose"] }).identity).not.toBe(source.identity);
  expect(openFileList({ path, files: files.toReversed(), classes: ["rose", "tulip"] }).identity).toBe(
    source.identity,
  );
});
