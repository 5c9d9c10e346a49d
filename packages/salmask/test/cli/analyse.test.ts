import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { byObject, writeEncoder, writeScenes } from "../analysis/made.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder } from "../support/photos.js";

it("looks at runs on photos that they know or that are named, as text and as JSON", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const run = await writeEncoder(at("run"), 3);
  const set = await writeScenes(at("set"), byObject, { train: 24, test: 12 });
  const cache = ["--cache", at("cache")];
  expect((await salmask("probe", run, set, ...cache)).code).toBe(0);

  const given = ["analyse", `Mine=${run}`, "--only", "rank,confusion", "--out", at("out"), ...cache];
  const said = await salmask(...given);
  expect(said).toMatchObject({ code: 0, err: "" });
  expect(said.out).toContain("on the photos that Mine was last probed on");
  expect(said.out).toContain("| encoder | kNN top-1 (%) | mean per class (%) |");
  expect(said.out).toContain("1 of 2  rank: took");
  expect(said.out).not.toContain("## cka");
  expect(readFileSync(at("out/analysis.md"), "utf8")).toContain("kNN confusion of Mine");

  const json = await salmask(...given, "--photos", set, "--no-random", "--test", "6", "--json");
  expect(json.code).toBe(0);
  const document = JSON.parse(json.out);
  expect(document).toMatchObject({ out: at("out"), photos: { scored: 6, learned: 24 } });
  expect(document.encoders.map(({ name }: { name: string }) => name)).toEqual(["Mine"]);
  expect(document.outcomes.map(({ name }: { name: string }) => name)).toEqual(["rank", "confusion"]);
});

it.each<[string, readonly string[], string]>([
  ["an unknown measure", ["--only", "rank,beauty"], 'for --only, got "beauty"'],
  ["two kinds of photos", ["--photos", ".", "--embedded"], "--photos or --embedded, got both"],
  ["masks of no photos", ["--masks", "."], "--photos beside --masks"],
  ["a wrong count", ["--test", "0"], "--test"],
  ["a run that is not there", ["--only", "rank"], "weights.safetensors"],
])("refuses %s before anything is started", async (_, options, fault) => {
  const folder = await temporaryFolder();
  const out = join(folder, "out");
  const said = await salmask("analyse", join(folder, "none"), ...options, "--out", out);
  expect(said.code).not.toBe(0);
  expect(said.err).toContain(fault);
  expect(existsSync(out)).toBe(false);
});
