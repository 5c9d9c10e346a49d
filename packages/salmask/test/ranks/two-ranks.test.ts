import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, loadSafetensors, scope } from "@salmask/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { generateObjects } from "../../src/data/embedded/generate-objects.js";
import { createBackbone } from "../../src/models/registry.js";
import { oneRank } from "../../src/ranks/ranks.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { saveBackbone } from "../../src/weights/files.js";
import { weightsMetadata } from "../../src/weights/metadata.js";
import { writeTar } from "../data/fixtures.js";
import { photoOf } from "../data/shards/shards.fixture.js";
import { smallSettings, writePhotos } from "../support/photos.js";
import {
  digestOf,
  type RankJob,
  type RankResult,
  type RankRun,
  runOnRank,
  trainOnRank,
} from "../support/rank-work.js";
import { onTwoRanks } from "../support/ranks.js";
import { small } from "../transfer/made.js";

const negatives = { fill: "mean", negative: { count: 1 } };
/**
 * Sums of another order differ by 1e-7, and these networks multiply that: with a rate of 1e-4, one process with two threads in place of
 * one is 1e-3 away after eight steps. So gradients are compared by one large step, and the course of a training by many small ones.
 *
 * The limits are a few times what another order of sums changes in one process, by one thread in place of two or by the matrix products of
 * another processor (OPENBLAS_CORETYPE). A course: losses by 3e-5, a queue by 2e-4 (SwAV's codes multiply most). A large step: mostly by
 * 1e-5 of its length, but by 3e-3 (MoCo v2) and 1.6e-2 (SimCLR) where an input of a ReLU is rounded to the other side of zero.
 */
const courseLimit = { losses: 1e-4, state: 1e-4, queue: 1e-3 };
const largeStepLimit = { losses: 1e-5, statistics: 1e-5, queue: 1e-4, ofStep: 0.05 };
const sgd = (lr: number) => ({ optimizer: "sgd", lr });
const largeStep = sgd(0.1);
const smallSteps = sgd(1e-6);
// Where two divisions of a map are equally good, rounding on half a batch makes Otsu's rule take the other one. The paper's rule has no such jump.
const saliency = { source: "spectral-residual", scope: "photo", threshold: { rule: "deviations" } };

/** What is compared of one method. */
interface Compared {
  readonly method: object;
  readonly mask: object;
  /** Two steps to an epoch of 32 photos; 0 where one large step is enough. */
  readonly epochs: number;
  readonly batchNorm?: RankJob["batchNorm"];
}

function job({ method, mask, epochs, batchNorm = "sync" }: Compared, rate: object): RankJob {
  const settings = {
    ...smallSettings,
    model: { arch: "resnet18", width: 8, stem: "small" },
    saliency,
    mask,
    method,
    train: { ...smallSettings.train, epochs: Math.ceil(epochs), batchSize: 16, ...rate, batchNorm },
  };
  return { settings, batchNorm, epochs };
}

const plain = { fill: "mean", negative: { count: 0 } };
const narrow = { dim: 8, hidden: 16 };
const predicts = { ...narrow, predictorHidden: 16 };
const prototypes = { ...narrow, prototypes: 6, localCrops: 1, frozenEpochs: 1 };
const moco = { name: "mocov2", queue: 32, momentum: 0.9, dim: 8 };

/** Ten epochs are twenty steps. */
const methods: Readonly<Record<string, Compared>> = {
  "MoCo v2": { method: { ...moco, groups: 1 }, mask: negatives, epochs: 10 },
  SimCLR: { method: { name: "simclr", dim: 8 }, mask: negatives, epochs: 10 },
  BYOL: { method: { name: "byol", ...predicts }, mask: negatives, epochs: 10 },
  SwAV: {
    method: { name: "swav", ...prototypes, codeQueue: 32, codeQueueEpoch: 1 },
    mask: plain,
    epochs: 10,
  },
  "MoCo v2, keys shuffled over ranks that normalise alone": {
    method: { ...moco, groups: 2 },
    mask: plain,
    epochs: 1,
    batchNorm: "local",
  },
  SimSiam: { method: { name: "simsiam", ...predicts }, mask: negatives, epochs: 0 },
  "MoCo v3": { method: { name: "mocov3", ...predicts }, mask: negatives, epochs: 0 },
  DINO: { method: { name: "dino", ...prototypes, normInHead: true }, mask: plain, epochs: 0 },
  "Barlow Twins": { method: { name: "barlow", ...narrow }, mask: plain, epochs: 0 },
  VICReg: { method: { name: "vicreg", ...narrow }, mask: plain, epochs: 0 },
};
const courses = Object.entries(methods)
  .filter(([, { epochs }]) => epochs > 0)
  .map(([name, method]) => ({ name, job: job(method, smallSteps) }));
const firstSteps = Object.entries(methods).map(([name, method]) => ({
  name,
  job: job({ ...method, epochs: 0.5 }, largeStep),
}));
const trainings = [...courses, ...firstSteps];

/** The largest difference of numbers, as a share of the number where it is above 1. */
function furthest(some: ArrayLike<number>, others: ArrayLike<number>): number {
  if (some.length !== others.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < some.length; i++) {
    const apart = Math.abs(some[i] - others[i]) / Math.max(1, Math.abs(some[i]));
    if (!(apart <= most)) most = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
  }
  return most;
}

type Tensors = Readonly<Record<string, Float32Array>>;

const among = (names: readonly string[], one: Tensors, other: Tensors): number =>
  Math.max(...names.map((name) => furthest(one[name], other[name])));

/** By how much a number of the convolutions' weights differs at most. */
const movement = (one: Tensors, other: Tensors): number =>
  among(
    Object.keys(one).filter((name) => /conv\d\.weight$/.test(name)),
    one,
    other,
  );

const isStatistic = (name: string): boolean => /running_|num_batches/.test(name);
const isLearned = (name: string): boolean => name !== "queue" && !isStatistic(name);

/** The length of the difference of all learned numbers. */
function apart(one: Tensors, other: Tensors): number {
  let squares = 0;
  for (const name of Object.keys(one).filter(isLearned))
    for (const [i, number] of one[name].entries()) squares += (number - other[name][i]) ** 2;
  return Math.sqrt(squares);
}

/** A queue holds embeddings, which differ by more than weights: they have length one, however small they were. */
const ofQueue = (one: Tensors, other: Tensors): number =>
  "queue" in one ? furthest(one.queue, other.queue) : 0;

/** Running statistics of local batch norm are averaged by ranks and followed by groups. */
const ofStatistics = ({ batchNorm }: RankJob, one: Tensors, other: Tensors): number =>
  batchNorm === "local" ? 0 : among(Object.keys(one).filter(isStatistic), one, other);

const runSettings = {
  ...smallSettings,
  method: { ...smallSettings.method, groups: 1 },
  mask: negatives,
  train: { ...smallSettings.train, ...smallSteps, batchNorm: "sync", knnEvery: 1, varianceEvery: 1 },
};

/** Weights that a run has written. */
const weightsIn = (path: string): Tensors =>
  scope(() =>
    Object.fromEntries(
      Object.entries(loadSafetensors(path)).map(([name, tensor]) => [name, tensor.toFloat32Array()]),
    ),
  );

describe("two ranks with half a batch each", () => {
  let folder: string;
  let together: Awaited<ReturnType<typeof onTwoRanks>>;
  const at = (...parts: string[]) => join(folder, ...parts);

  /** Settings of a pre-training whose photos are stored on their own. */
  const settingsOf = (cache: string) => ({ ...runSettings, data: { ...runSettings.data, cache: at(cache) } });
  const runs = (out: string): RankRun[] => [
    { task: "pretrain", photos: at("photos"), out: at(out), settings: settingsOf("cache"), stopAfter: 4 },
    {
      task: "pretrain",
      photos: at("shards"),
      out: at(`${out}-shards`),
      settings: {
        ...settingsOf("cache"),
        train: { ...runSettings.train, epochs: 1, knnEvery: 0, varianceEvery: 0 },
      },
    },
    {
      task: "finetune",
      photos: at("set"),
      encoder: at("encoder.safetensors"),
      out: at(`${out}-finetune`),
      settings: { ...small.finetune, batchSize: 8, lr: 1e-3, epochs: 1, cache: at("cache") },
    },
    {
      task: "detect",
      photos: at("scenes"),
      encoder: at("encoder.safetensors"),
      out: at(`${out}-detect`),
      // One rank takes its batch in as many parts as there are ranks.
      settings: { ...small.detect, train: { ...small.detect.train, batchSize: 2, groups: 2, lr: 1e-3 } },
    },
  ];

  /** The same run in this process alone. */
  async function alone(task: RankRun["task"]): Promise<RunFolder> {
    const run = runs("alone").find((one) => one.task === task);
    if (run === undefined) throw new Error(`Expected a run of ${task}.`);
    expect(await runOnRank(run, oneRank)).toBe("complete");
    return new RunFolder(run.out);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "salmask-ranks-"));
    await writePhotos(at("photos"), 24, 16, ["a", "b", "c"]);
    for (const [split, count] of Object.entries({ train: 16, test: 4 }))
      await writePhotos(at("set", split), count, 16, ["a", "b"]);
    await generateObjects(at("scenes"), { train: 4, test: 1, size: 64, classes: 2 });
    using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
    saveBackbone(at("encoder.safetensors"), backbone, weightsMetadata(configSchema.parse(runSettings)));
    await mkdir(at("shards"));
    const whole = await photoOf(0);
    await writeTar(
      at("shards", "some.tar"),
      Array.from({ length: 16 }, (_, i) => ({
        name: `${i % 4 === 0 ? "broken" : "whole"}-${i}.png`,
        content: i % 4 === 0 ? whole.subarray(0, 50) : whole,
      })),
    );
    together = await onTwoRanks({ trainings: trainings.map(({ job: one }) => one), runs: runs("together") });
  });

  afterAll(() => rm(folder, { recursive: true }));

  /** What a training gave; the same on both ranks. */
  function ofRanks(training: (typeof trainings)[number]): RankResult {
    const place = trainings.indexOf(training);
    const found = together.first.trainings[place];
    expect(together.second.trainings[place]).toBe(digestOf(found));
    return found;
  }

  /** Checks that both have the same logs, with these losses. */
  function expectLogs(found: RankResult["logs"], expected: RankResult["logs"], limit: number): void {
    expect(found.map((logs) => Object.keys(logs))).toEqual(expected.map((logs) => Object.keys(logs)));
    const [some, others] = [found, expected].map((all) => all.map(({ loss }) => loss));
    expect(furthest(some, others)).toBeLessThan(limit);
  }

  it.each(courses)(
    "learn what one rank learns from the whole batch, over many steps: $name",
    async (course) => {
      const [found, expected] = [ofRanks(course), await trainOnRank(course.job, oneRank)];
      expect(found.logs.length).toBe(2 * course.job.epochs);
      expectLogs(found.logs, expected.logs, courseLimit.losses);
      const [one, two] = [expected.state, found.state];
      expect(among(Object.keys(one).filter(isLearned), one, two)).toBeLessThan(courseLimit.state);
      expect(ofStatistics(course.job, one, two)).toBeLessThan(courseLimit.state);
      expect(ofQueue(one, two)).toBeLessThan(courseLimit.queue);
    },
  );

  it.each(firstSteps)(
    "learn what one rank learns from the whole batch, in a large step: $name",
    async (first) => {
      const [found, expected] = [ofRanks(first), await trainOnRank(first.job, oneRank)];
      expectLogs(found.logs, expected.logs, largeStepLimit.losses);
      const before = await trainOnRank({ ...first.job, epochs: 0 }, oneRank);
      const [one, two] = [expected.state, found.state];
      expect(movement(before.state, one)).toBeGreaterThan(1e-2);
      expect(apart(one, two)).toBeLessThan(largeStepLimit.ofStep * apart(before.state, one));
      expect(ofStatistics(first.job, one, two)).toBeLessThan(largeStepLimit.statistics);
      expect(ofQueue(one, two)).toBeLessThan(largeStepLimit.queue);
    },
  );

  it("stop after the same step, and one rank goes on from their checkpoint as if it had been alone", async () => {
    expect([together.first.runs[0], together.second.runs[0]]).toEqual(["interrupted", "interrupted"]);
    const [options, config] = [{ photos: at("photos") }, configSchema.parse(settingsOf("cache"))];
    const whole = await pretrain({ ...options, out: at("alone"), config });
    const resumed = await pretrain({ ...options, out: at("together"), config, resume: true });
    expect(resumed.stepsHere).toBe(whole.steps - 4);
    const [before, after] = [whole, resumed].map(({ run: path }) => new RunFolder(path).log.read());
    expect(after.map(({ step }) => step)).toEqual(before.map(({ step }) => step));
    expectLogs(
      after.map(({ logs }) => logs),
      before.map(({ logs }) => logs),
      1e-5,
    );
    const [one, other] = [whole, resumed].map(({ weights }) => weightsIn(weights));
    expect(among(Object.keys(one), one, other)).toBeLessThan(1e-5);
  });

  it("list the broken photos that any of them has found", () => {
    expect([together.first.runs[1], together.second.runs[1]]).toEqual(["complete", "complete"]);
    const run = new RunFolder(at("together-shards"));
    const broken = [0, 4, 8, 12].map((i) => `some/broken-${i}.png`);
    const listed = run.readSkipped().map(({ name }) => name);
    expect(listed.toSorted()).toEqual(broken.toSorted());
    expect(run.readSummary()).toMatchObject({ kind: "pretrain", skipped: 4 });
  });

  it.each([
    ["finetune", 2],
    ["detect", 3],
  ] as const)("learn in %s what one rank learns from the whole batch", async (task, place) => {
    expect([together.first.runs[place], together.second.runs[place]]).toEqual(["complete", "complete"]);
    const [one, other] = [await alone(task), new RunFolder(at(`together-${task}`))];
    const [expected, found] = [one, other].map((run) => run.log.read().map(({ logs }) => logs));
    expect(found).toHaveLength(2);
    expectLogs(found, expected, 1e-5);
    const [start, whole, half] = [at("encoder.safetensors"), one.weights, other.weights].map(weightsIn);
    const ofEncoder = (weights: Tensors) =>
      Object.fromEntries(
        Object.entries(weights).map(([name, values]) => [name.replace(/^backbone\.(body\.)?/, ""), values]),
      );
    const moved = movement(start, ofEncoder(whole));
    expect(moved).toBeGreaterThan(1e-5);
    const learned = Object.keys(whole).filter((name) => !/running_|num_batches/.test(name));
    expect(among(learned, whole, half)).toBeLessThan(0.01 * moved);
  });
});
