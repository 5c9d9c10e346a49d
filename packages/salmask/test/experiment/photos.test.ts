import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/base/events.js";
import { execute, finishedRun } from "../../src/experiment/execute.js";
import { drawnHere, drawPhotos, otherPhotos, photosHere } from "../../src/experiment/photos.js";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { writeAll } from "../data/sets/fixtures.js";
import { temporaryFolder } from "../support/photos.js";
import { finish } from "./results.js";

const text = "name: one\nphotos: train\nprobe: labelled\nrows: [{ name: plain, set: { mask.fill: none } }]\n";

/** An experiment with a run that was finished before photos were written down. */
async function prepare(): Promise<{ plan: Plan; out: string; at: (...parts: string[]) => string }> {
  const folder = await temporaryFolder();
  const at = (...parts: string[]) => join(folder, ...parts);
  await writeAll(folder, { "train/a/1.jpg": "first", "labelled/test/a/1.jpg": "first" });
  writeFileSync(at("one.yaml"), text);
  const plan = readPlan(at("one.yaml"));
  await finish(plan, at("out"), "plain", [40]);
  return { plan, out: at("out"), at };
}

/** The runs' folders after a call, its results, and what it noted. */
async function executed(plan: Plan, out: string) {
  const notes: string[] = [];
  const report = (event: RunEvent) => {
    if (event.kind === "note") notes.push(event.message);
  };
  const [result] = await execute({ plan, out, jobs: 1, report });
  const folders = readdirSync(join(out, "plain"), { withFileTypes: true }).filter((one) => one.isDirectory());
  return { result, notes, folders: folders.map(({ name }) => name).sort() };
}

const finishedOf = async (plan: Plan, out: string) =>
  finishedRun(plan, { row: plan.rows[0], seed: 0, out, here: await photosHere(plan, out) });

describe("an experiment whose photos changed", () => {
  it("counts a run of before photos were written down, and from then on knows it by them", async () => {
    const { plan, out, at } = await prepare();
    expect(await finishedOf(plan, out)).toMatchObject({ linear: 0.4 });
    expect((await executed(plan, out)).result).toMatchObject({ kind: "done", linear: 0.4 });
    // What is no photo does not matter.
    await writeAll(at("train"), { "notes.txt": "mine", ".hidden/2.jpg": "", ".3.jpg": "" });
    expect((await executed(plan, out)).result).toMatchObject({ kind: "done", linear: 0.4 });
    await writeAll(at("train"), { "a/1.jpg": "another" });
    expect(await finishedOf(plan, out)).toBeNull();
    const changed = await executed(plan, out);
    // These are no photos that could be learned from.
    expect(changed.result.kind).toBe("failed");
    expect(changed.folders).toContain("seed-0.older-1");
    expect(changed.notes[0]).toContain(
      "plain, seed 0: the run there has other settings (photos.bytes was 5 and is 7, and 1 more)",
    );
  });

  it("scores again what learned from the same photos, where those to score on changed", async () => {
    const { plan, out, at } = await prepare();
    await executed(plan, out);
    await writeAll(at("labelled"), { "test/a/2.jpg": "second" });
    expect(await finishedOf(plan, out)).toBeNull();
    expect((await executed(plan, out)).folders).toEqual(["seed-0"]);
    rmSync(at("labelled/test/a/2.jpg"));
    expect(await finishedOf(plan, out)).toMatchObject({ linear: 0.4 });
  });

  it("still knows its photos after they could not be listed for a while", async () => {
    const { plan, out, at } = await prepare();
    await executed(plan, out);
    renameSync(at("train"), at("away"));
    expect((await executed(plan, out)).result).toMatchObject({ kind: "done", linear: 0.4 });
    await writeAll(at("train"), { "a/1.jpg": "another" });
    expect(await finishedOf(plan, out)).toBeNull();
  });

  it("knows a copy in another folder, and refuses a record that it did not write", async () => {
    const { plan, out, at } = await prepare();
    await executed(plan, out);
    mkdirSync(at("elsewhere"));
    await writeAll(at("elsewhere"), { "a/1.jpg": "first" });
    const moved = readPlan(at("one.yaml"), { photos: at("elsewhere") });
    expect(await finishedOf(moved, out)).toMatchObject({ linear: 0.4 });
    writeFileSync(join(out, "plain/seed-0.photos.json"), "{}");
    await expect(finishedOf(plan, out)).rejects.toMatchObject({
      code: "damaged-run",
      message: expect.stringContaining(`rm ${join(out, "plain/seed-0.photos.json")}`),
    });
  });
});

describe("the embedded set", () => {
  const options = (size: number) => `photos: { embedded: { train: 2, test: 2, size: ${size} } }`;
  const planWith = async (size: number) => {
    const path = join(await temporaryFolder(), "one.yaml");
    writeFileSync(path, `name: one\n${options(size)}\nrows: [{ name: plain }]\n`);
    return readPlan(path);
  };

  it("is known by its options, and where it is drawn by what drew it", async () => {
    const [small, large] = [await planWith(32), await planWith(48)];
    const out = await temporaryFolder();
    expect(drawnHere(await photosHere(small, out))).toBeNull();
    await drawPhotos(small, out, {});
    const drawn = await photosHere(small, out);
    expect(drawnHere(drawn)).toMatch(/^[0-9a-f]{64}$/);
    // What the folder holds of another plan says nothing of this one's pictures.
    expect(drawnHere(await photosHere(large, out))).toBeNull();
    const run = join(out, "plain", "seed-0");
    const record = (here: object) => writeAll(out, { "plain/seed-0.photos.json": JSON.stringify(here) });
    await record(drawn);
    expect(otherPhotos(run, drawn)).toEqual([]);
    expect(otherPhotos(run, await photosHere(large, out))).toEqual(["photos.options.size was 32 and is 48"]);
    expect(otherPhotos(run, await photosHere(small, await temporaryFolder()))).toEqual([]);
    const { photos } = drawn;
    if (photos === null || !("drawn" in photos)) throw new Error("expected the embedded set");
    await record({ ...drawn, photos: { ...photos, drawn: { ...photos.drawn, version: 0 } } });
    expect(otherPhotos(run, drawn)).toEqual(["photos.drawn.version was 0 and is 1"]);
  });
});
