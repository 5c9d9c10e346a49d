import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { temporaryFolder } from "../support/photos.js";

async function planOf(text: string): Promise<Plan> {
  const path = join(await temporaryFolder(), "experiment.yaml");
  await writeFile(path, text);
  return readPlan(path);
}

describe("readPlan", () => {
  it("each row's settings override those of the base", async () => {
    const plan = await planOf(`
name: fills
photos: { embedded: { train: 64 } }
seeds: [3, 4]
base: { mask.fill: mean, train: { epochs: 2 } }
rows:
  - { name: "Strong blur (paper)", paper: 70.5, set: { mask.fill: blur } }
  - { name: mean }
`);
    expect(plan.rows.map(({ slug, paper }) => [slug, paper])).toEqual([
      ["strong-blur-paper", 70.5],
      ["mean", null],
    ]);
    expect(plan.rows.map(({ config }) => config.mask.fill)).toEqual(["blur", "mean"]);
    expect(plan.rows[1].config.train.epochs).toBe(2);
    expect(plan.photos).toMatchObject({
      kind: "embedded",
      options: { train: 64, test: 500, difficulty: "hard" },
    });
  });

  it("reports all errors at once: unknown keys, impossible rows, duplicate names, missing photos", async () => {
    const reading = planOf(`
name: wrong
photos: nowhere
seeds: [1, 1]
base: { seed: 2 }
rows:
  - { name: a, set: { train.epoch: 3 } }
  - { name: b, set: { method.name: simclr, method.queue: 5 } }
  - { name: B }
`);
    const faults = [
      "Did you mean train.epochs?",
      'Expected no method.queue where method.name is "simclr", got 5.',
      'got "B" twice',
      "seeds: expected each once",
    ];
    for (const fault of [...faults, "seed: the experiment sets it", "probe: expected labelled photos"]) {
      await expect(reading).rejects.toMatchObject({
        code: "bad-experiment",
        exitCode: 2,
        message: expect.stringContaining(fault),
      });
    }
  });

  it("reads what a study says of itself and of its rows, with the first row to compare with", async () => {
    const plan = await planOf(`
question: Does it help?
hypothesis: A little.
name: study
photos: { embedded: { train: 64 } }
tell: 1.5
logs: [iou, queryVariance - keyVariance]
against: iou
axis: odds
rows:
  - { name: plain, set: { mask.fill: none } }
  - { name: half, at: 0.5, curve: low }
  - { name: long, comparedWith: half, sameSecondsAs: plain, at: inf }
`);
    expect(plan).toMatchObject({
      question: "Does it help?",
      hypothesis: "A little.",
      tell: 1.5,
      axis: "odds",
    });
    expect(plan.logs.map(({ names }) => names)).toEqual([["iou"], ["queryVariance", "keyVariance"]]);
    expect(plan.against).toBe(plan.logs[0]);
    expect(
      plan.rows.map(({ comparedWith, at, curve, sameSecondsAs }) => [comparedWith, at, curve, sameSecondsAs]),
    ).toEqual([
      [null, null, "", null],
      ["plain", "0.5", "low", null],
      ["half", "inf", "", "plain"],
    ]);
  });

  it("reports rows that name no other row, chains of times, and numbers that are none", async () => {
    const reading = planOf(`
name: wrong
photos: { embedded: {} }
logs: [a + b]
against: iou
rows:
  - { name: a, comparedWith: a }
  - { name: b, comparedWith: nobody, sameSecondsAs: c }
  - { name: c, sameSecondsAs: a }
`);
    for (const fault of [
      'a: comparedWith: expected another row\'s name, got "a"',
      'b: comparedWith: expected another row\'s name, got "nobody"',
      'b: sameSecondsAs: expected a row with epochs of its own, got "c"',
      'logs: expected NAME or NAME - NAME, got "a + b"',
      'against: expected one of logs, got "iou"',
    ]) {
      await expect(reading).rejects.toMatchObject({ message: expect.stringContaining(fault) });
    }
  });

  it("rejects harmful YAML in one clear sentence", async () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 9; i++) {
      const [name, before] = ["abcdefghij"[i], "abcdefghij"[i - 1]];
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(", ")}]`);
    }
    for (const text of [
      bomb.join("\n"),
      "name: &n [*n]",
      "name: *nowhere",
      "rows: [{ __proto__: { name: a } }]",
    ]) {
      await expect(planOf(text)).rejects.toMatchObject({ code: "bad-yaml", exitCode: 2 });
    }
  });

  it("refuses a key that an experiment does not have", async () => {
    await expect(planOf("name: x\nphotos: { embedded: {} }\nrow: []\nrows: [{ name: a }]\n")).rejects.toThrow(
      /row/,
    );
  });
});

describe("the experiment files in the repository", () => {
  const root = resolve(import.meta.dirname, "../../../../experiments");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => {
    return name.endsWith(".yaml") && /^rows:/m.test(readFileSync(join(root, name), "utf8"));
  });

  it.each(files)("%s can be run", async (name) => {
    const text = readFileSync(join(root, name), "utf8");
    const isEmbedded = text.includes("embedded:");
    const here = isEmbedded ? {} : { photos: root, probe: root };
    expect(readPlan(join(root, name), here).rows.length).toBeGreaterThan(3);
  });
});
