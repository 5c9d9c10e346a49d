import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Diagnosis, diagnose } from "../../src/analysis/diagnose.js";
import type { Metrics } from "../../src/runs/metrics-log.js";
import { temporaryFolder } from "../support/photos.js";

const healthy: Metrics = {
  ...{ epoch: 0, step: 1, lr: 0.03, queueFill: 1, imagesPerSecond: 100 },
  ...{ loss: 5, contrastAccuracy: 0.3, maskedShare: 0.15, foregroundShare: 0.6, allForegroundShare: 0.02 },
  embedding: { alignment: 0.4, uniformity: -2.5, rank: 20 },
  branchVariance: { query: 0.2, key: 0.15 },
  agreement: { iou: 0.5, wholeCropIou: 0.3 },
  seconds: {
    ...{ data: 0.001, augmentation: 0.02, saliency: 0.001, masking: 0.01 },
    ...{ forward: 0.3, backward: 0.5, optimizer: 0.02 },
  },
};

/** The diagnosis of a run whose log holds forty lines, each `change`d from a healthy one. */
async function diagnosed(change: (part: number) => Partial<Metrics>): Promise<Diagnosis> {
  const run = join(await temporaryFolder(), "run");
  await mkdir(run);
  await writeFile(join(run, "config.yaml"), "method: { queue: 512 }\n");
  const lines = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ ...healthy, step: i + 1, ...change(i / 39) }),
  );
  await writeFile(join(run, "metrics.jsonl"), `${lines.join("\n")}\n{"epoch":0,"st`);
  return diagnose(run);
}

const codes = ({ findings }: Diagnosis) => findings.map(({ code }) => code);

describe("diagnose", () => {
  it("finds nothing wrong with a healthy run, whose last line was cut off", async () => {
    const diagnosis = await diagnosed((part) => ({ loss: 6 - part }));
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.steps).toBe(40);
    expect(diagnosis.last.rank).toBeCloseTo(20, 6);
    expect(diagnosis.last.seconds?.forward).toBeCloseTo(0.3, 9);
  });

  it.each<[string, (part: number) => Partial<Metrics>]>([
    ["collapsed", () => ({ embedding: { alignment: 0, uniformity: -0.001, rank: 1.02 } })],
    ["nothing-learned", () => ({ contrastAccuracy: 0.002 })],
    ["rising-loss", (part) => ({ loss: 5 + part })],
    ["guidance-lost", () => ({ foregroundShare: 0.99, allForegroundShare: 0.9 })],
    ["object-not-found", () => ({ foregroundShare: 0.04 })],
    ["object-missed", () => ({ agreement: { iou: 0.2, wholeCropIou: 0.3 } })],
    ["keys-vary-more", () => ({ branchVariance: { query: 0.1, key: 0.3 } })],
  ])("says %s, and what to try", async (code, change) => {
    const diagnosis = await diagnosed(change);
    expect(codes(diagnosis)).toEqual([code]);
    expect(diagnosis.findings[0].mend).toMatch(/--/);
  });

  it("does not take the start of masking for a loss that rises", async () => {
    const change = (part: number) => ({ loss: part < 0.5 ? 5 : 6, foregroundShare: part < 0.5 ? null : 0.6 });
    expect(codes(await diagnosed(change))).toEqual([]);
  });

  it("reads logs of before embeddings were looked at", async () => {
    const run = join(await temporaryFolder(), "run");
    await mkdir(run);
    await writeFile(join(run, "config.yaml"), "seed: 1\n");
    const { embedding: _, branchVariance: __, agreement: ___, ...old } = healthy;
    await writeFile(join(run, "metrics.jsonl"), `${JSON.stringify(old)}\n`);
    expect(diagnose(run).last).toMatchObject({ rank: null, branchVariance: null, iou: null });
  });

  it("goes by the last look at how views vary, wherever in the log that was", async () => {
    const change = (part: number) => ({
      branchVariance: part < 0.2 ? { query: 0.1, key: 0.3 } : part < 0.4 ? { query: 0.3, key: 0.1 } : null,
    });
    const diagnosis = await diagnosed(change);
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.last.branchVariance).toEqual({ query: 0.3, key: 0.1 });
  });

  it("refuses a folder that is no run's", async () => {
    const folder = await temporaryFolder();
    expect(() => diagnose(folder)).toThrow(/metrics.jsonl/);
  });
});
