import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunConfig } from "../../src/config/schema.js";
import { withBudgets } from "../../src/experiment/budget.js";
import { temporaryFolder } from "../support/photos.js";
import { planOf } from "./results.js";

const text = (lr: number) => `
name: adios
base: { train: { epochs: 30, batchSize: 64 }, mask.fill: none }
rows:
  - { name: plain }
  - { name: equal epochs, set: { occlusion.name: adios } }
  - { name: equal seconds, set: { occlusion.name: adios, train.batchSize: 32, train.lr: ${lr} }, sameSecondsAs: plain }
`;

describe("withBudgets", () => {
  it("chooses the epochs that take as long as the other row's, by medians of three measurements in turn", async () => {
    const plan = await planOf(text(0.1));
    const asked: string[] = [];
    // Plain steps of 64 photos take 0.1 s, with one slow round; steps of 32 photos with ADIOS take 0.3 s.
    const measure = async ({ occlusion }: RunConfig) => {
      asked.push(occlusion.name);
      return occlusion.name === "adios"
        ? { step: 0.3, photo: 0.004 }
        : { step: asked.length === 2 ? 5 : 0.1, photo: 0.001 };
    };
    const out = await temporaryFolder();
    const lines: string[] = [];
    const report = (line: string) => lines.push(line);
    const made = await withBudgets(plan, { out, measure, report });
    // Per photo: 0.001 + 30 * 0.1 / 64 = 0.047875 s; of these 0.004 once; an epoch takes 0.3 / 32.
    const expected = Math.round((0.001 + (30 * 0.1) / 64 - 0.004) / (0.3 / 32));
    expect(expected).toBe(5);
    expect(made.rows.map(({ config }) => config.train.epochs)).toEqual([30, 30, 5]);
    expect(asked).toEqual(["adios", "none", "adios", "none", "adios", "none"]);
    expect(lines).toEqual(["equal seconds: 5 epochs take as long as 30 of plain"]);
    expect(plan.rows[2].config.train.epochs).toBe(30);
  });

  it("keeps the epochs of before, so that runs go on, until a row's settings change", async () => {
    const out = join(await temporaryFolder(), "new");
    let step = 0.1;
    let measured = 0;
    const measure = async () => {
      measured++;
      return { step, photo: 0 };
    };
    const epochs = async (lr: number) =>
      (await withBudgets(await planOf(text(lr)), { out, measure })).rows[2].config.train.epochs;
    expect(await epochs(0.1)).toBe(15);
    step = 1;
    expect(await epochs(0.1)).toBe(15);
    expect(measured).toBe(6);
    await epochs(0.2);
    expect(measured).toBe(12);
  });

  it("refuses a row whose time is too short for the epochs that are scored, and remembers what it measured", async () => {
    const out = await temporaryFolder();
    let measured = 0;
    const measure = async ({ occlusion }: RunConfig) => {
      measured++;
      return { step: occlusion.name === "adios" ? 1 : 0.1, photo: 0 };
    };
    const plan = await planOf(`lastEpochs: 4\n${text(0.1)}`);
    for (let call = 0; call < 2; call++) {
      await expect(withBudgets(plan, { out, measure })).rejects.toMatchObject({
        code: "bad-experiment",
        message: expect.stringContaining(
          "equal seconds: sameSecondsAs: expected time for the 4 epochs of lastEpochs, got 2 in the time of plain. " +
            "Lower lastEpochs, or raise train.epochs of plain",
        ),
      });
    }
    expect(measured).toBe(6);
    const scored = await planOf(`lastEpochs: 2\n${text(0.1)}`);
    expect((await withBudgets(scored, { out, measure })).rows[2].config.train.epochs).toBe(2);
  });

  it("trains one epoch at least, and measures nothing without such a row", async () => {
    const measure = async ({ occlusion }: RunConfig) => ({
      step: occlusion.name === "adios" ? 1000 : 0.01,
      photo: 0,
    });
    const out = await temporaryFolder();
    const made = await withBudgets(await planOf(text(0.1)), { out, measure });
    expect(made.rows[2].config.train.epochs).toBe(1);
    const plain = await planOf("name: plain\nrows: [{ name: a }]");
    const never = () => Promise.reject(new Error("nothing to measure"));
    expect(await withBudgets(plain, { out, measure: never })).toBe(plain);
  });
});
