import { scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../../src/base/events.js";
import { configSchema } from "../../../src/config/schema.js";
import { fillOf } from "../../../src/masking/fills/registry.js";
import { compareWithUntrained } from "../../../src/tasks/probe/compare.js";
import { type ProbeOptions, probe } from "../../../src/tasks/probe/probe.js";
import { labelledFeatures } from "../../../src/tasks/probe/score.js";
import { Eye, flat, flatDataset, flatSide } from "../../support/flat-photos.js";

const config = configSchema.parse({ data: { crop: flatSide }, mask: { fill: "none" } });
const fill = fillOf(config.mask);
const classes = ["first", "second"];

/** Twenty red photos and twenty blue ones; the colours are the classes. */
const train = flatDataset([...flat("red", 0, 20), ...flat("blue", 1, 20)], classes);
/** One of eight has the other class's colour, so an encoder of colours is right for seven. */
const test = flatDataset([...flat("red", 0, 3), ...flat("blue", 0, 1), ...flat("blue", 1, 4)], classes);

const colours = [0, 1, 2];
const greenAlone = [1];

async function probed(seen: readonly number[], change: Partial<ProbeOptions> = {}) {
  using backbone = new Eye(seen);
  return await probe({
    backbone,
    train,
    test,
    crop: flatSide,
    fill,
    protocol: "fast",
    seed: 0,
    ...change,
  });
}

describe("a probe", () => {
  it("is correct for the photos that have their class's colour", async () => {
    expect(await probed(colours)).toEqual({
      trainPhotos: 40,
      testPhotos: 8,
      protocol: "fast",
      classes,
      knn: { top1: 7 / 8, randomTop1: expect.any(Number) },
      linear: { top1: 7 / 8, randomTop1: expect.any(Number) },
      linearScores: {
        top1: 7 / 8,
        top5: null,
        meanPerClass: 7 / 8,
        perClass: [3 / 4, 1],
        confusion: [
          [3, 1],
          [0, 4],
        ],
      },
      lastEpochs: 1,
    });
  });

  it("is the mean over the encoders of several epochs, and tells in detail of the last one", async () => {
    const [whole, green] = [await probed(colours), await probed(greenAlone)];
    using earlier = new Eye(greenAlone);
    const both = await probed(colours, { earlier: [earlier] });
    expect(both.knn.top1).toBeCloseTo((whole.knn.top1 + green.knn.top1) / 2, 12);
    expect(both.linear.top1).toBeCloseTo((whole.linear.top1 + green.linear.top1) / 2, 12);
    expect(green.knn.top1).toBeLessThan(whole.knn.top1);
    expect({ ...both, knn: whole.knn, linear: whole.linear }).toEqual({ ...whole, lastEpochs: 2 });
  });

  it("scores the given encoder and an untrained one, which responds to colours here", async () => {
    const { knn, linear } = await probed(greenAlone);
    for (const { top1, randomTop1 } of [knn, linear]) {
      expect(randomTop1).toBeGreaterThanOrEqual(7 / 8);
      expect(top1).toBeLessThan(7 / 8);
    }
  });

  it("reports the photos, the encoder and the progress", async () => {
    const last = new Map<string, string>();
    const report = (event: RunEvent) => {
      if (event.kind === "progress") last.set(event.what, `${event.done} of ${event.total}`);
      if (event.kind === "note") last.set(event.message, "");
    };
    await probed(colours, { report });
    expect([...last]).toEqual([
      ["probing on 40 photos, scored on 8", ""],
      ["looking with the encoder", "48 of 48"],
      ["looking with an untrained one", "48 of 48"],
    ]);
  });

  it("rejects photos without classes, with one class, or with other classes, and names the data set", async () => {
    const unlabelled = flatDataset(flat("red", -1, 4), classes);
    const alone = flatDataset(flat("red", 0, 4), ["first"]);
    const others = flatDataset([...flat("red", 0, 4), ...flat("blue", 1, 4)], ["first", "third"]);
    await expect(probed(colours, { train: unlabelled })).rejects.toMatchObject({
      code: "no-labels",
      message: expect.stringContaining("in the train photos"),
    });
    await expect(probed(colours, { test: alone })).rejects.toMatchObject({
      code: "no-labels",
      message: expect.stringMatching(/in the test photos.*got 1/),
    });
    await expect(probed(colours, { test: others })).rejects.toMatchObject({
      code: "other-classes",
      message: expect.stringContaining("first, third in test"),
    });
  });

  it("stops when it is interrupted", async () => {
    const abort = new AbortController();
    const report = (event: RunEvent) => {
      if (event.kind === "progress") abort.abort();
    };
    await expect(probed(colours, { report, signal: abort.signal })).rejects.toMatchObject({
      code: "interrupted",
    });
  });
});

describe("the features of labelled photos", () => {
  it("belong to the requested photos, in their order, with their labels", async () => {
    using backbone = new Eye([0]);
    const options = { crop: flatSide, fill, batchSize: 3 };
    const ids = Int32Array.of(30, 2, 39, 0);
    using all = await labelledFeatures(backbone, { dataset: train }, options);
    using some = await labelledFeatures(backbone, { dataset: train, ids }, options);
    const redness = scope(() => all.features.toArray());
    expect(all.labels).toEqual(train.labels);
    expect(scope(() => some.features.toArray())).toEqual(Array.from(ids, (id) => redness[id]));
    expect(some.labels).toEqual(Int32Array.of(1, 0, 1, 0));
  });
});

describe("a run's own photos", () => {
  const compared = async (seen: readonly number[], dataset = train, seed = 0) => {
    using backbone = new Eye(seen);
    return await compareWithUntrained(backbone, dataset, { config: { ...config, seed } });
  };

  it("are classified with the labels of three quarters of them, by the encoder and by an untrained one", async () => {
    expect(await compared(colours)).toEqual({
      photos: 30,
      scored: 10,
      knn: { top1: 1, randomTop1: 1 },
      linear: { top1: 1, randomTop1: 1 },
    });
    const blind = await compared(greenAlone);
    expect(blind?.knn.top1).toBeLessThan(1);
    expect(blind?.linear.top1).toBeLessThan(1);
    expect(blind).toMatchObject({ knn: { randomTop1: 1 }, linear: { randomTop1: 1 } });
  });

  it("are divided differently with another seed, and equally with the same seed", async () => {
    const scores = await Promise.all([0, 0, 1, 2, 3].map((seed) => compared(greenAlone, train, seed)));
    expect(scores[1]).toEqual(scores[0]);
    expect(new Set(scores.map((each) => each?.knn.top1)).size).toBeGreaterThan(1);
  });

  it.each([
    ["without classes", flatDataset(flat("red", -1, 40), [])],
    ["of one class", flatDataset(flat("red", 0, 40), ["first"])],
    ["some of which have no class", flatDataset([...flat("red", 0, 20), ...flat("blue", -1, 20)], classes)],
    ["of fewer than eight per class", flatDataset([...flat("red", 0, 8), ...flat("blue", 1, 7)], classes)],
  ])("say nothing where they are %s", async (_, dataset) => {
    expect(await compared(colours, dataset)).toBeNull();
  });
});
