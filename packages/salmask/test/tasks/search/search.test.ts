import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sheetOfSearch } from "../../../src/report/found-sheets.js";
import { embed } from "../../../src/tasks/embed/embed.js";
import { saveEmbeddings } from "../../../src/tasks/embed/files.js";
import { search } from "../../../src/tasks/search/search.js";
import { temporaryFolder } from "../../support/photos.js";
import { type Colour, difference, readSheet } from "../../support/sheet.js";
import { type Rgb, writeEncoder, writeFlat } from "../embed/made.js";

const colours: readonly Rgb[] = [
  [250, 20, 20],
  [20, 250, 20],
  [20, 20, 250],
  [240, 240, 30],
  [200, 60, 40],
  [70, 70, 70],
];

async function made() {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  for (const [i, colour] of colours.entries()) await writeFlat(at(`photos/${i}.png`), colour);
  return { at, run: at("encoder.safetensors"), cache: at("cache") };
}

it("finds the photos with the largest cosines, of a photo and of a folder, among photos and embeddings", async () => {
  const { at, run, cache } = await made();
  using embeddings = await embed({ run, photos: at("photos"), cache });
  await saveEmbeddings(at("photos.npy"), embeddings);
  const flat = embeddings.vectors.toArray();
  const rows = colours.map((_, i) => flat.slice(64 * i, 64 * (i + 1)));
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b));
  const expected = rows.map((query, q) =>
    rows
      .flatMap((row, i) => (i === q ? [] : [{ path: `${i}.png`, similarity: cosine(query, row) }]))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, 3),
  );
  const same = (found: { path: string; similarity: number }[], q: number) => {
    expect(found.map(({ path }) => path)).toEqual(expected[q].map(({ path }) => path));
    for (const [i, { similarity }] of found.entries())
      expect(similarity).toBeCloseTo(expected[q][i].similarity, 5);
  };
  const asked = { run, count: 3, cache };
  const all = await search({ ...asked, query: at("photos"), among: at("photos.npy") });
  expect(all.found.map(({ query }) => query)).toEqual(colours.map((_, i) => `${i}.png`));
  for (const [q, { neighbours }] of all.found.entries()) same([...neighbours], q);

  await mkdir(at("elsewhere"));
  await copyFile(at("photos/4.png"), at("elsewhere/copy.png"));
  const one = await search({ ...asked, query: at("photos/4.png"), among: at("photos") });
  same([...one.found[0].neighbours], 4);
  const copy = await search({ ...asked, query: at("elsewhere/copy.png"), among: at("photos.npy") });
  expect(copy.found[0].neighbours[0].path).toBe("4.png");
  expect(copy.found[0].neighbours[0].similarity).toBeCloseTo(1, 5);

  writeEncoder(at("other.safetensors"), 2);
  const other = search({
    ...asked,
    run: at("other.safetensors"),
    query: at("photos"),
    among: at("photos.npy"),
  });
  await expect(other).rejects.toMatchObject({ code: "other-encoder" });
  await expect(search({ ...asked, query: at("photos"), among: at("none.npy") })).rejects.toMatchObject({
    code: "missing-embeddings",
  });
});

it("draws each query, and its neighbours beside it", async () => {
  const { at, run, cache } = await made();
  const result = await search({ run, query: at("photos/0.png"), among: at("photos"), count: 2, cache });
  await sheetOfSearch(result, { out: at("sheet.png"), rows: 5, cache });
  const sheet = await readSheet(at("sheet.png"));
  expect([sheet.width, sheet.height]).toEqual([3 * 116 + 4, 18 + 116 + 14 + 4]);
  const shown = (path: string): Colour => colours[Number(path.slice(0, 1))];
  const paths = ["0.png", ...result.found[0].neighbours.map(({ path }) => path)];
  for (const [i, path] of paths.entries())
    expect(difference(sheet.at(i, 0, 0.5, 0.5), shown(path)), path).toBeLessThanOrEqual(1);
});
