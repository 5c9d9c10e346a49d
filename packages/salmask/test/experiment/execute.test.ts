import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { RunEvent } from "../../src/base/events.js";
import { renderer } from "../../src/cli/render.js";
import { execute, type RunResult } from "../../src/experiment/execute.js";
import { KeptResults } from "../../src/experiment/kept-results.js";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { toSvg } from "../../src/experiment/plot.js";
import { tabulate, toCsv, toMarkdown } from "../../src/experiment/table.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { smallSettings, temporaryFolder, writePhotos } from "../support/photos.js";

it("runs a grid, isolates a failure, skips finished runs, and repeats changed runs without deleting the old ones", {
  timeout: 300_000,
}, async () => {
  const folder = await temporaryFolder();
  for (const split of ["train", "test"]) await writePhotos(join(folder, "photos", split), 16, 16, ["a", "b"]);
  const path = join(folder, "experiment.yaml");
  const base = {
    ...smallSettings,
    data: { ...smallSettings.data, cache: join(folder, "cache") },
    train: { ...smallSettings.train, epochs: 2 },
  };
  const tooLarge = { name: "too large", set: { "train.batchSize": 25 } };
  const logs = ["maskedShare", "loss - noSuchNumber"];
  const write = (fill: string, train: object = {}, more: readonly object[] = []) =>
    writeFile(
      path,
      stringify({
        ...{ name: "two rows", photos: "photos/train", probe: "photos", seeds: [0, 1], logs },
        base: { ...base, ...train },
        rows: [
          { name: "plain", set: { "mask.fill": "none" } },
          { name: "masked", paper: 70, set: { "mask.fill": fill } },
          ...more,
        ],
      }),
    );
  const out = join(folder, "out");
  const run = async (lines: string[] = [], jobs = 2): Promise<RunResult[]> =>
    execute({
      plan: readPlan(path),
      out,
      jobs,
      report: renderer({ line: (line) => void lines.push(line), bar: null, now: () => 0 }),
    });

  await write("mean", {}, [tooLarge]);
  const first = await run();
  expect(first.map(({ kind, row, seed }) => `${row} ${seed} ${kind}`)).toEqual([
    ...["plain 0 done", "plain 1 done", "masked 0 done", "masked 1 done"],
    ...["too large 0 failed", "too large 1 failed"],
  ]);
  expect(first[4]).toMatchObject({ why: expect.stringContaining("25") });
  // One of 16 cells or more is masked once saliency is there; a number that no run logged is left out.
  expect(first[0]).toMatchObject({ logs: { maskedShare: 0 } });
  const masked = new RunFolder(join(out, "masked", "seed-0")).log.read().filter(({ epoch }) => epoch === 1);
  const shares = masked.map((entry) => entry.logs.maskedShare);
  expect(first[2]).toMatchObject({
    logs: { maskedShare: expect.closeTo(shares.reduce((a, b) => a + b) / shares.length, 12) },
  });

  const plan = readPlan(path);
  const table = toMarkdown(plan, tabulate(plan, first), first);
  expect(table).toMatch(/\| masked \| 2 \|.*\| 70.00 \|/);
  expect(table).toContain("Missing: too large, seed 0:");
  expect(toCsv(plan, first).split("\n")).toHaveLength(8);
  expect(toSvg(plan, tabulate(plan, first)).match(/<circle/g)).toHaveLength(2);

  // A run that cannot succeed is tried each time, so the plan goes on without it.
  await write("mean");
  const weights = (row: string, seed: number) => join(out, row, `seed-${seed}`, "weights.safetensors");
  const before = statSync(weights("plain", 0)).mtimeMs;
  const again: string[] = [];
  expect(await run(again)).toEqual(first.slice(0, 4));
  expect(again.filter((line) => line.includes("done before"))).toHaveLength(4);
  expect(statSync(weights("plain", 0)).mtimeMs).toBe(before);

  // A finished run stays finished with fewer simultaneous runs, with more threads, or with another logging interval.
  await write("mean", {
    "train.logEvery": 2,
    "train.keep": 1,
    device: "cpu",
    "data.cache": join(folder, "b"),
  });
  const otherwise: string[] = [];
  expect(await run(otherwise, 1)).toEqual(first.slice(0, 4));
  expect(otherwise.filter((line) => line.includes("done before"))).toHaveLength(4);
  expect(statSync(weights("plain", 0)).mtimeMs).toBe(before);
  await write("mean");

  // Scores of other photos, or by another protocol, are not the experiment's, though they are newer.
  const probes = join(out, "plain", "seed-0", "probes.json");
  const [own] = JSON.parse(readFileSync(probes, "utf8"));
  const wrong = { top1: 1, randomTop1: 1 };
  const others = [
    { photos: [folder] },
    { protocol: "paper" },
    { seed: 7 },
    { labels: "10%" },
    { heldOut: 0.5 },
  ];
  const strangers = others.map((other) => ({ ...own, knn: wrong, linear: wrong, ...other }));
  writeFileSync(probes, JSON.stringify(strangers));
  const probedAgain = (await run())[0];
  expect(probedAgain).toEqual({ ...first[0], seconds: expect.any(Number) });
  expect(JSON.parse(readFileSync(probes, "utf8"))).toEqual([...strangers, own]);
  writeFileSync(probes, JSON.stringify([own, ...strangers]));

  // An interrupted run continues from its checkpoint to the same weights.
  const whole = readFileSync(weights("masked", 1));
  for (const name of ["weights.safetensors", "probes.json", "summary.json"])
    rmSync(join(out, "masked", "seed-1", name));
  const continued = await run();
  expect(continued.map(({ kind }) => kind)).toEqual(["done", "done", "done", "done"]);
  expect(continued[0]).toEqual(probedAgain);
  expect(readFileSync(weights("masked", 1)).equals(whole)).toBe(true);

  writeFileSync(join(out, "masked", "seed-1", "notes.txt"), "mine");
  mkdirSync(join(out, "masked", "seed-1.older-1"));
  await write("blur");
  const changed: string[] = [];
  await run(changed);
  expect(changed.filter((line) => line.includes("done before")).sort()).toEqual([
    expect.stringMatching(/^\d of 4 {2}plain, seed 0: kNN \d+\.\d %, linear \d+\.\d % \(done before\)/),
    expect.stringMatching(/^\d of 4 {2}plain, seed 1: /),
  ]);
  expect(changed.filter((line) => /\bleft$/.test(line)).length).toBeGreaterThan(0);
  expect(readFileSync(weights("masked", 1)).equals(whole)).toBe(false);
  const older = join(out, "masked", "seed-1.older-2");
  expect(readFileSync(join(older, "weights.safetensors")).equals(whole)).toBe(true);
  expect(readFileSync(join(older, "notes.txt"), "utf8")).toBe("mine");
  const named = changed.find((line) => line.includes(older));
  expect(named).toContain(
    'masked, seed 1: the run there has other settings (mask.fill was "mean" and is "blur")',
  );

  // A folder without readable settings is not changed, and the error names it.
  writeFileSync(join(out, "plain", "seed-1", "config.yaml"), "version: 99\n");
  const kept = readdirSync(join(out, "plain", "seed-1")).sort();
  expect((await run())[1]).toMatchObject({ kind: "failed", why: expect.stringContaining("version 99") });
  expect(readdirSync(join(out, "plain", "seed-1")).sort()).toEqual(kept);
  writeFileSync(path, "");
});

describe("what was finished before", () => {
  const planIn = async (folder: string, size: number, lastEpochs = 1) => {
    const path = join(folder, "embedded.yaml");
    await writeFile(
      path,
      stringify({
        ...{ name: "pictures", photos: { embedded: { train: 24, test: 20, size } }, lastEpochs },
        base: {
          ...smallSettings,
          ...{ "mask.fill": "none", "train.epochs": 2, "data.cache": join(folder, "cache") },
        },
        rows: [{ name: "plain" }],
      }),
    );
    return readPlan(path);
  };

  it("is set aside where its pictures, or the encoders that are scored now, are other ones", {
    timeout: 300_000,
  }, async () => {
    const folder = await temporaryFolder();
    const [out, results] = [join(folder, "out"), join(folder, "results.jsonl")];
    const run = async (plan: Plan) => {
      const lines: string[] = [];
      const report = renderer({ line: (line) => void lines.push(line), bar: null, now: () => 0 });
      const kept = KeptResults.open(results);
      const [result] = await execute({ plan, out, jobs: 1, kept, report });
      return { result, notes: lines.filter((line) => line.includes("other settings")) };
    };
    const small = await run(await planIn(folder, 32));
    expect(small).toMatchObject({ result: { kind: "done" }, notes: [] });
    const large = await run(await planIn(folder, 40));
    expect(large.result.kind).toBe("done");
    expect(large.notes).toEqual([expect.stringContaining("photos.options.size was 32 and is 40")]);
    const lines = readFileSync(results, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ seconds }) => seconds)).toEqual(
      [small, large].map(({ result }) => (result.kind === "done" ? result.seconds : null)),
    );
    // The first run kept no encoder but the last.
    const scored = await run(await planIn(folder, 40, 2));
    expect(scored.result.kind).toBe("done");
    expect(scored.notes).toEqual([expect.stringContaining("it kept no encoder after epoch 1")]);
    expect(
      readdirSync(join(out, "plain"), { withFileTypes: true })
        .flatMap((one) => (one.isDirectory() ? one.name : []))
        .sort(),
    ).toEqual(["seed-0", "seed-0.older-1", "seed-0.older-2"]);
  });

  it("counts for the time that is left, kept elsewhere or here", async () => {
    const folder = await temporaryFolder();
    const plan = { ...(await planIn(folder, 32)), seeds: [0, 1, 2] };
    const kept = KeptResults.open(join(folder, "results.jsonl"));
    const [row] = plan.rows;
    for (const seed of plan.seeds) {
      const scores = { knn: 0.5, linear: 0.5, seconds: 100, logs: {} };
      await kept.add({ plan, row, seed }, { kind: "done", row: row.name, seed, ...scores });
    }
    const left: (number | null)[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "cell") left.push(event.left);
    };
    await execute({ plan, out: join(folder, "out"), jobs: 1, kept, report });
    expect(left).toEqual([200, 100, 0]);
  });
});
