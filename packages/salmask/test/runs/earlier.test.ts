/** Files in a run's folder as earlier releases wrote them. */
import { appendFileSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../src/base/events.js";
import type { ProbeRecord } from "../../src/runs/records.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { temporaryFolder } from "../support/photos.js";

const seconds = {
  data: 0.1,
  augmentation: 0.2,
  saliency: 0.3,
  masking: 0.4,
  forward: 0.5,
  backward: 0.6,
  optimizer: 0.7,
};

/** A log line with all numbers of that release. */
const line = {
  epoch: 1,
  step: 20,
  loss: 4.5,
  contrastAccuracy: 0.25,
  maskedShare: 0.2,
  foregroundShare: 0.6,
  allForegroundShare: 0.1,
  embedding: { alignment: 0.4, uniformity: -2, rank: 12 },
  agreement: { iou: 0.5, wholeCropIou: 0.3 },
  seconds,
  lr: 0.03,
  queueFill: 1,
  imagesPerSecond: 100,
  branchVariance: { query: 0.2, key: 0.1 },
};

/** A line from before embeddings, agreement, times and variances were recorded, without queue and before masking. */
const oldest = {
  epoch: 0,
  step: 10,
  loss: 5.5,
  contrastAccuracy: 0.125,
  maskedShare: 0,
  foregroundShare: null,
  allForegroundShare: null,
  lr: 0.03,
  queueFill: null,
  imagesPerSecond: 90,
};

const today: LogEntry = {
  epoch: 2,
  step: 30,
  time: "2026-01-02T03:04:05.000Z",
  lr: 0.02,
  imagesPerSecond: 110,
  seconds,
  logs: { loss: 4 },
};

async function folderWith(files: Record<string, string>): Promise<RunFolder> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return new RunFolder(folder);
}

const jsonl = (...lines: object[]) => lines.map((each) => `${JSON.stringify(each)}\n`).join("");

describe("a log from an earlier release", () => {
  it("has its numbers under their current names, and none for null", async () => {
    const { log } = await folderWith({ "metrics.jsonl": jsonl(oldest, line) });
    expect(log.read()).toEqual([
      {
        step: 10,
        epoch: 0,
        time: null,
        lr: 0.03,
        imagesPerSecond: 90,
        seconds: null,
        logs: { loss: 5.5, contrastAccuracy: 0.125, maskedShare: 0 },
      },
      {
        step: 20,
        epoch: 1,
        time: null,
        lr: 0.03,
        imagesPerSecond: 100,
        seconds,
        logs: {
          loss: 4.5,
          contrastAccuracy: 0.25,
          maskedShare: 0.2,
          queueFill: 1,
          foregroundShare: 0.6,
          allForegroundShare: 0.1,
          alignment: 0.4,
          uniformity: -2,
          rank: 12,
          iou: 0.5,
          wholeCropIou: 0.3,
          queryVariance: 0.2,
          keyVariance: 0.1,
        },
      },
    ]);
  });

  it("can be continued with current lines, is rewound, and loses an incomplete last line", async () => {
    const { log, path } = await folderWith({ "metrics.jsonl": jsonl(oldest, line) });
    log.append(today);
    appendFileSync(join(path, "metrics.jsonl"), '{"step":40,"epo');
    expect(log.read().map(({ step }) => step)).toEqual([10, 20, 30]);
    expect(log.read().at(-1)).toEqual(today);
    await log.rewindTo(20);
    expect(readFileSync(join(path, "metrics.jsonl"), "utf8")).toBe(jsonl(oldest, line));
  });
});

const probe = {
  trainPhotos: 30,
  testPhotos: 10,
  protocol: "fast",
  knn: { top1: 0.5, randomTop1: 0.25 },
  linear: { top1: 0.625, randomTop1: 0.375 },
} as const;

describe("a probe from an earlier release", () => {
  it("is read without its photos, and kept with newer ones", async () => {
    const folder = await folderWith({ "probe.json": JSON.stringify(probe) });
    const since = { classes: [], labels: "all", heldOut: null, linearScores: null, lastEpochs: 1 };
    const earlier: ProbeRecord = { ...probe, ...since, photos: [], seed: 0 };
    expect(folder.readProbes()).toEqual([earlier]);
    const newer: ProbeRecord = { ...probe, ...since, photos: ["/set"], seed: 1, protocol: "paper" };
    await folder.addProbe(newer);
    expect(folder.readProbes()).toEqual([earlier, newer]);
    expect(new RunFolder(folder.path).readProbes()).toEqual([earlier, newer]);
  });
});

describe("a summary from an earlier release", () => {
  const pretrained = {
    run: "runs/a",
    photos: "photos",
    images: 24,
    skipped: 1,
    epochs: 3,
    steps: 9,
    stepsHere: 9,
    seconds: 4.5,
    loss: null,
    contrastAccuracy: null,
    weights: "runs/a/weights.safetensors",
    checkpoint: null,
  };
  const demonstrated = { ...probe, weights: "w", views: "v", photos: 2000, epochs: 16, seconds: 120 };

  it("belongs to a pre-training, or to the demo if it has scores", async () => {
    const plain = await folderWith({ "summary.json": JSON.stringify(pretrained) });
    expect(plain.readSummary()).toEqual({ kind: "pretrain", ...pretrained, classes: null });
    const demo = await folderWith({ "summary.json": JSON.stringify(demonstrated) });
    const { protocol: _, ...kept } = demonstrated;
    expect(demo.readSummary()).toEqual({ kind: "demo", ...kept });
  });

  it("is rejected if it is something else", async () => {
    for (const text of ["{", "[]", "null", '{"kind":"other"}', '{"run":3}']) {
      const folder = await folderWith({ "summary.json": text });
      expect(() => folder.readSummary(), text).toThrow(
        expect.objectContaining({ code: "damaged-run", message: expect.stringContaining("summary.json") }),
      );
    }
  });
});
