import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Diagnosis, diagnose } from "../../src/analysis/diagnose.js";
import type { Finding } from "../../src/analysis/findings.js";
import type { LogEntry } from "../../src/base/events.js";
import type { PretrainSummary, ProbeRecord } from "../../src/runs/records.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { temporaryFolder } from "../support/photos.js";

const healthy: LogEntry = {
  step: 1,
  epoch: 0,
  time: "2024-05-01T12:00:00.000Z",
  lr: 0.03,
  imagesPerSecond: 100,
  seconds: {
    data: 0.001,
    augmentation: 0.02,
    saliency: 0.001,
    masking: 0.01,
    forward: 0.3,
    backward: 0.5,
    optimizer: 0.02,
  },
  logs: {
    queueFill: 1,
    loss: 5,
    contrastAccuracy: 0.3,
    maskedShare: 0.15,
    foregroundShare: 0.6,
    allForegroundShare: 0.02,
    alignment: 0.4,
    uniformity: -2.5,
    rank: 20,
    queryVariance: 0.2,
    keyVariance: 0.15,
    iou: 0.5,
    wholeCropIou: 0.3,
  },
};

/** Changes to the numbers of a healthy log entry; null removes a number. */
type Change = Record<string, number | null>;

/** The diagnosis of a run whose log has forty entries, one per `every` steps, each changed by `change`. */
async function diagnosed(change: (part: number) => Change, every = 10): Promise<Diagnosis> {
  const run = join(await temporaryFolder(), "run");
  await mkdir(run);
  await writeFile(join(run, "config.yaml"), "method: { queue: 512 }\n");
  const lines = Array.from({ length: 40 }, (_, i) => {
    const logs = Object.entries({ ...healthy.logs, ...change(i / 39) }).filter(([, value]) => value !== null);
    return JSON.stringify({ ...healthy, step: every * (i + 1), logs: Object.fromEntries(logs) });
  });
  await writeFile(join(run, "metrics.jsonl"), `${lines.join("\n")}\n{"epoch":0,"st`);
  return diagnose(run);
}

const codes = ({ findings }: Diagnosis) => findings?.map(({ code }) => code);

describe("diagnose", () => {
  it("finds no problem in a healthy run with an incomplete last line", async () => {
    const diagnosis = await diagnosed((part) => ({ loss: 6 - part }));
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.steps).toBe(400);
    expect(diagnosis.last.rank).toBeCloseTo(20, 6);
    expect(diagnosis.last.seconds?.forward).toBeCloseTo(0.3, 9);
  });

  it.each<[string, (part: number) => Change]>([
    ["collapsed", () => ({ alignment: 0, uniformity: -0.001, rank: 1.02 })],
    ["targets-collapsed", () => ({ codeEntropy: 0.999, prototypesUsed: 40 })],
    ["targets-collapsed", () => ({ codeEntropy: 0.1, prototypesUsed: 1 })],
    ["nothing-learned", () => ({ contrastAccuracy: 0.002 })],
    ["rising-loss", (part) => ({ loss: 5 + part })],
    ["guidance-lost", () => ({ foregroundShare: 0.99, allForegroundShare: 0.9 })],
    ["object-not-found", () => ({ foregroundShare: 0.04 })],
    ["object-missed", () => ({ iou: 0.2, wholeCropIou: 0.3 })],
    ["keys-vary-more", () => ({ queryVariance: 0.1, keyVariance: 0.3 })],
  ])("says %s, and what to try", async (code, change) => {
    const diagnosis = await diagnosed(change);
    expect(codes(diagnosis)).toEqual([code]);
    expect(diagnosis.findings?.[0].mend).toMatch(/--/);
  });

  it("does not report the start of masking as a rising loss", async () => {
    const change = (part: number) => ({ loss: part < 0.5 ? 5 : 6, foregroundShare: part < 0.5 ? null : 0.6 });
    expect(codes(await diagnosed(change))).toEqual([]);
  });

  it("reads older logs without statistics of embeddings", async () => {
    const run = join(await temporaryFolder(), "run");
    await mkdir(run);
    await writeFile(join(run, "config.yaml"), "seed: 1\n");
    const { logs, time: _, ...position } = healthy;
    const { queueFill, loss, contrastAccuracy, maskedShare, foregroundShare, allForegroundShare } = logs;
    const numbers = { queueFill, loss, contrastAccuracy, maskedShare, foregroundShare, allForegroundShare };
    await writeFile(join(run, "metrics.jsonl"), `${JSON.stringify({ ...position, ...numbers })}\n`);
    const { last } = diagnose(run);
    expect(last).toMatchObject({ rank: null, branchVariance: null, iou: null });
    expect(last).toMatchObject({ loss: 5, contrastAccuracy: 0.3, foregroundShare: 0.6 });
  });

  it("uses the last measurement of variance, at any position in the log", async () => {
    const change = (part: number) => ({
      queryVariance: part < 0.2 ? 0.1 : part < 0.4 ? 0.3 : null,
      keyVariance: part < 0.2 ? 0.3 : part < 0.4 ? 0.1 : null,
    });
    const diagnosis = await diagnosed(change);
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.last.branchVariance).toEqual({ query: 0.3, key: 0.1 });
  });

  it("reports a run of some tens of steps as too short, and nothing else", async () => {
    expect(codes(await diagnosed(() => ({}), 4))).toEqual(["too-short"]);
    expect(codes(await diagnosed(() => ({}), 5))).toEqual([]);
  });

  describe("an encoder below an untrained one", () => {
    const probe: ProbeRecord = {
      photos: ["/set"],
      protocol: "fast",
      seed: 0,
      trainPhotos: 30,
      testPhotos: 10,
      classes: ["a", "b"],
      knn: { top1: 0.5, randomTop1: 0.25 },
      linear: { top1: 0.5, randomTop1: 0.25 },
      labels: "all",
      heldOut: 0.2,
      linearScores: null,
      lastEpochs: 1,
    };
    const summary: PretrainSummary = {
      kind: "pretrain",
      run: "run",
      photos: "photos",
      images: 40,
      skipped: 0,
      epochs: 1,
      steps: 400,
      stepsHere: 400,
      seconds: 1,
      loss: 5,
      contrastAccuracy: 0.3,
      weights: "weights.safetensors",
      checkpoint: null,
      classes: { photos: 30, scored: 10, knn: probe.knn, linear: probe.linear },
    };

    /** The findings for a healthy run with these settings, this summary and these probes. */
    async function found(
      ended: { summary?: PretrainSummary; probes?: readonly ProbeRecord[] },
      settings = "method: { queue: 512 }",
    ): Promise<Finding[]> {
      const folder = new RunFolder(await temporaryFolder());
      await writeFile(join(folder.path, "config.yaml"), settings);
      folder.log.append({ ...healthy, step: 400 });
      if (ended.summary !== undefined) await folder.writeSummary(ended.summary);
      for (const record of ended.probes ?? []) await folder.addProbe(record);
      return diagnose(folder.path).findings ?? [];
    }

    const behind = { top1: 0.237, randomTop1: 0.317 };

    it("is reported at the run's end, with both numbers and what to change", async () => {
      const classes = { photos: 30, scored: 10, knn: behind, linear: probe.linear };
      const findings = await found({ summary: { ...summary, classes } });
      expect(findings.map(({ code }) => code)).toEqual(["below-untrained"]);
      expect(findings[0].what).toContain("kNN 23.7 % beside 31.7 %");
      expect(findings[0].what).not.toContain("linear");
      for (const option of ["--train.epochs", "--method.queue", "--mask.fill mean"])
        expect(findings[0].mend).toContain(option);
    });

    it("is reported for any probe, each pair of numbers once", async () => {
      const probes = [probe, { ...probe, seed: 1, linear: behind }, { ...probe, seed: 2, linear: behind }];
      const [{ code, what }] = await found({ summary, probes });
      expect(code).toBe("below-untrained");
      expect(what.match(/linear 23.7 % beside 31.7 %/g)).toHaveLength(1);
    });

    it("gets no advice about settings that the run does not have", async () => {
      const [{ mend }] = await found(
        { probes: [{ ...probe, knn: behind }] },
        "method: { name: simclr }\nmask: { fill: mean }\n",
      );
      expect(mend).not.toContain("--method.queue");
      expect(mend).not.toContain("--mask.fill");
    });

    it("is not reported if the encoder is better, equal or not scored", async () => {
      expect(await found({ summary, probes: [probe] })).toEqual([]);
      expect(await found({ probes: [{ ...probe, knn: { top1: 0.25, randomTop1: 0.25 } }] })).toEqual([]);
      expect(await found({ summary: { ...summary, classes: null } })).toEqual([]);
    });
  });

  it.each(["finetune", "detect"])(
    "says nothing of settings to a run of %s, which has others",
    async (kind) => {
      const folder = new RunFolder(await temporaryFolder());
      await writeFile(join(folder.path, "config.yaml"), `version: 1\ntask: ${kind}\n`);
      folder.log.append({ ...healthy, step: 4, logs: { loss: 2.5, rank: 1.01, uniformity: 0 } });
      expect(diagnose(folder.path)).toMatchObject({ kind, steps: 4, last: { loss: 2.5 }, findings: null });
    },
  );

  it("rejects a folder that does not belong to a run", async () => {
    const folder = await temporaryFolder();
    expect(() => diagnose(folder)).toThrow(/metrics.jsonl/);
  });
});
