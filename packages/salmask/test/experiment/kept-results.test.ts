import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { computeOf } from "../../src/compute/compute.js";
import { execute } from "../../src/experiment/execute.js";
import { KeptResults } from "../../src/experiment/kept-results.js";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { localizerWeights } from "../../src/saliency/open.js";
import { temporaryFolder } from "../support/photos.js";
import { finish, planOf } from "./results.js";

const text = (base = "", more = "") => `
name: two
seeds: [0, 1]
${more}
base: { mask.fill: mean, ${base} }
rows: [{ name: plain, set: { mask.branch: none } }, { name: masked }]
`;
const result = {
  kind: "done",
  row: "masked",
  seed: 1,
  knn: 0.25,
  linear: 0.5,
  seconds: 7,
  logs: { iou: 0.4 },
} as const;

/** Whether the kept result of the row `masked` with seed 1 counts for a row of another plan. */
async function counts(kept: KeptResults, plan: Plan, { row = 1, seed = 1 } = {}): Promise<boolean> {
  return kept.find({ plan, row: plan.rows[row], seed }) !== null;
}

async function keptOf(plan: Plan): Promise<{ path: string; kept: KeptResults }> {
  const path = join(await temporaryFolder(), "results.jsonl");
  const kept = KeptResults.open(path);
  await kept.add({ plan, row: plan.rows[1], seed: 1 }, result);
  return { path, kept };
}

describe("KeptResults", () => {
  it("gives back what was added, from the file as well, and changes no line where it is added again", async () => {
    const plan = await planOf(text());
    const { path } = await keptOf(plan);
    const written = readFileSync(path, "utf8");
    const read = KeptResults.open(path);
    expect(read.find({ plan, row: plan.rows[1], seed: 1 })).toEqual(result);
    await read.add({ plan, row: plan.rows[1], seed: 1 }, result);
    expect(readFileSync(path, "utf8")).toBe(written);
    expect(written.split("\n")).toHaveLength(2);
  });

  it("counts for runs that learn and are scored in the same way, and for no others", async () => {
    const { kept } = await keptOf(await planOf(text()));
    const renamed = text("train.checkpointEvery: 2, train.logEvery: 3").replace(
      "name: masked",
      "name: renamed",
    );
    expect(await counts(kept, await planOf(renamed))).toBe(true);
    const plan = await planOf(text());
    expect(await counts(kept, plan, { row: 0 })).toBe(false);
    expect(await counts(kept, plan, { seed: 0 })).toBe(false);
    for (const other of [text("mask.ratio: [0.1, 0.2]"), text("train.epochs: 3"), text("", "lastEpochs: 2")])
      expect(await counts(kept, await planOf(other)), other).toBe(false);
  });

  it("does not count for another set of pictures, nor for another network that finds objects", async () => {
    const weights = join(await temporaryFolder(), "weights.safetensors");
    copyFileSync(localizerWeights, weights);
    const plan = await planOf(text(`saliency.weights: ${weights}`));
    const { kept } = await keptOf(plan);
    expect(await counts(kept, plan)).toBe(true);
    const { photos } = plan;
    if (photos.kind !== "embedded") throw new Error("expected the embedded set");
    const others = { ...plan, photos: { ...photos, options: { ...photos.options, seed: 9 } } };
    expect(await counts(kept, others)).toBe(false);
    writeFileSync(weights, "another network");
    expect(await counts(kept, plan)).toBe(false);
  });

  it("counts for pictures that the same version drew, and for any where one of the two is not known", async () => {
    const plan = await planOf(text());
    const { path, kept } = await keptOf(plan);
    const run = { plan, row: plan.rows[1], seed: 1 };
    const countsFor = (drawn: string | null) => kept.find({ ...run, drawn }) !== null;
    expect([countsFor(null), countsFor("a")]).toEqual([true, true]);
    await kept.add({ ...run, drawn: "a" }, result);
    expect([countsFor(null), countsFor("a"), countsFor("b")]).toEqual([true, true, false]);
    expect(KeptResults.open(path).find({ ...run, drawn: "b" })).toBeNull();
  });

  it("counts where every number of the log is told that is asked for, be it that the run never logged it", async () => {
    const [few, more] = [await planOf(text("", "logs: [iou]")), await planOf(text("", "logs: [iou, loss]"))];
    const { path, kept } = await keptOf(few);
    expect([await counts(kept, few), await counts(kept, more)]).toEqual([true, false]);
    await kept.add({ plan: more, row: more.rows[1], seed: 1 }, result);
    expect(JSON.parse(readFileSync(path, "utf8")).logs).toEqual({ iou: 0.4, loss: null });
    expect(KeptResults.open(path).find({ plan: more, row: more.rows[1], seed: 1 })).toEqual(result);
    expect(await counts(kept, few)).toBe(true);
  });

  it("counts for auto where it means the precision of the run", async () => {
    const pinned = ["float32", "bfloat16"].map((precision) => text(`precision: ${precision}`));
    const auto = await planOf(text("precision: auto"));
    const here = computeOf({ device: "auto", precision: "auto" }).precision;
    for (const other of pinned) {
      const plan = await planOf(other);
      const isMeant = plan.rows[1].config.precision === here;
      expect(await counts((await keptOf(plan)).kept, auto)).toBe(isMeant);
      expect(await counts((await keptOf(auto)).kept, plan)).toBe(isMeant);
    }
    // A GPU that is not here computes in bfloat16, and its results can be read all the same.
    const onGpu = await planOf(text("precision: auto, device: cuda"));
    const plain = await planOf(text("precision: bfloat16, device: cuda"));
    expect(await counts((await keptOf(plain)).kept, onGpu)).toBe(true);
  });

  it("loses no result that is added at the same time, here or by another command", async () => {
    const plan = await planOf(text().replace("seeds: [0, 1]", "seeds: [0, 1, 2, 3, 4, 5]"));
    const path = join(await temporaryFolder(), "results.jsonl");
    const [here, there] = [KeptResults.open(path), KeptResults.open(path)];
    const add = (kept: KeptResults, seed: number) =>
      kept.add({ plan, row: plan.rows[1], seed }, { ...result, seed });
    await Promise.all([0, 1, 2].map((seed) => add(here, seed)));
    await Promise.all([3, 4, 5].map((seed) => add(there, seed)));
    await add(here, 0);
    const read = KeptResults.open(path);
    expect(plan.seeds.map((seed) => read.find({ plan, row: plan.rows[1], seed })?.seed)).toEqual(plan.seeds);
  });

  it("names a line that is no result", async () => {
    const path = join(await temporaryFolder(), "results.jsonl");
    writeFileSync(path, '{"row": "masked"}\n');
    expect(() => KeptResults.open(path)).toThrow(
      expect.objectContaining({ code: "bad-results", message: expect.stringContaining(`${path}, line 1`) }),
    );
  });
});

describe("the results in experiments/evidence", () => {
  const folder = resolve(import.meta.dirname, "../../../../experiments/evidence");

  it.each(["small", "photos"])(
    "are all found by the design %s, with the numbers it asks for",
    async (scale) => {
      // Where its photos are is no part of a design.
      const photos = await temporaryFolder();
      const given = scale === "photos" ? { photos, probe: photos } : {};
      const plan = readPlan(join(folder, `${scale}.yaml`), given);
      const path = join(folder, `${scale}.jsonl`);
      const kept = KeptResults.open(path);
      const runs = plan.rows.flatMap((row) => plan.seeds.map((seed) => ({ plan, row, seed, drawn: "here" })));
      const found = runs.filter((run) => kept.find(run) !== null);
      expect(found).toHaveLength(readFileSync(path, "utf8").trim().split("\n").length);
      expect(found.length).toBeGreaterThanOrEqual(scale === "small" ? 156 : 26);
    },
  );
});

it("lets an experiment go on without the folders of its runs", async () => {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, "photos/train"), { recursive: true });
  writeFileSync(join(folder, "two.yaml"), `photos: photos/train\nprobe: photos\n${text()}`);
  const plan = readPlan(join(folder, "two.yaml"));
  const [out, path] = [join(folder, "out"), join(folder, "results.jsonl")];
  await finish(plan, out, "plain", [40, 41]);
  await finish(plan, out, "masked", [50, 51]);
  const first = await execute({ plan, out, jobs: 1, kept: KeptResults.open(path) });
  // A folder without photos cannot be trained on, so all results come from the file.
  const elsewhere = await execute({
    plan,
    out: join(folder, "elsewhere"),
    jobs: 1,
    kept: KeptResults.open(path),
  });
  expect(elsewhere).toEqual(first);
  expect(first.map(({ kind }) => kind)).toEqual(["done", "done", "done", "done"]);
});
