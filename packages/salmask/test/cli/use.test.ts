import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { salmask } from "../support/command-line.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";
import { writeEncoder } from "../tasks/embed/made.js";

it("embeds photos, searches them, finds duplicates and gives labels", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const run = at("encoder.safetensors");
  writeEncoder(run);
  await writePhotos(at("photos"), 8, 16, ["a", "b"]);
  await writePhotos(at("known"), 2, 16, ["a", "b"]);
  const cache = ["--cache", at("cache"), "--device", "cpu"];

  const embedded = await salmask("embed", run, at("photos"), "--out", at("e.npy"), ...cache);
  expect(embedded).toMatchObject({ code: 0, err: "" });
  expect(embedded.out).toContain("8 photos, 64 numbers each");
  const wrong = await salmask("embed", run, at("photos"), "--out", at("e.csv"), ...cache);
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining(".npy or .parquet") });

  const photo = at("photos/a/0.png");
  const among = ["--in", at("e.npy"), "--count", "2"];
  const found = await salmask("search", run, photo, ...among, "--sheet", at("s.png"), "--json", ...cache);
  expect(found.code).toBe(0);
  const { found: lists } = JSON.parse(found.out);
  expect(lists).toMatchObject([{ query: "0.png", neighbours: [{ path: expect.any(String) }, {}] }]);
  expect(existsSync(at("s.png"))).toBe(true);
  const said = await salmask("search", run, photo, ...among, ...cache);
  expect(said.out).toContain(
    `  ${lists[0].neighbours[0].similarity.toFixed(4)}  ${lists[0].neighbours[0].path}\n`,
  );

  const alike = await salmask("duplicates", run, at("e.npy"), "--threshold", "1", ...cache);
  expect(alike).toMatchObject({
    code: 0,
    out: expect.stringContaining("no duplicates from the similarity 1"),
  });
  expect(await salmask("duplicates", run, at("e.npy"), "--threshold", "2")).toMatchObject({ code: 2 });

  const labels = ["--examples", at("known"), "--out", at("l.csv")];
  const labelled = await salmask("label", run, at("e.npy"), ...labels, ...cache);
  expect(labelled).toMatchObject({ code: 0, err: "" });
  expect(readFileSync(at("l.csv"), "utf8").trim().split("\n")).toHaveLength(9);
});
