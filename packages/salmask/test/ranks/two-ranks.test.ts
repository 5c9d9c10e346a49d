import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSafetensors, scope } from "@salmask/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { oneRank } from "../../src/ranks/ranks.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { smallSettings, writePhotos } from "../support/photos.js";
import { type RankJob, type RankResult, trainOnRank } from "../support/rank-work.js";
import { onRanks, type RankAnswer } from "../support/ranks.js";

const negatives = { fill: "mean", negative: { count: 1 } };
/**
 * Sums of another order differ by 1e-7, and these networks multiply that: with a rate of 1e-4, one process with two threads in place of
 * one is 1e-3 away after eight steps. So gradients are compared by one large step, and the course of a training by many small ones.
 */
const sgd = (lr: number) => ({ optimizer: "sgd", lr });
const largeStep = sgd(0.1);
const smallSteps = sgd(1e-6);
const saliency = { source: "spectral-residual", scope: "photo" };

/** What is compared of one method. */
interface Compared {
  readonly method: object;
  readonly mask: object;
  /** Two steps to an epoch of 32 photos. */
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
const small = { dim: 8, hidden: 16 };
const predicts = { ...small, predictorHidden: 16 };
const prototypes = { ...small, prototypes: 6, localCrops: 1, frozenEpochs: 1 };
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
    epochs: 2,
    batchNorm: "local",
  },
  SimSiam: { method: { name: "simsiam", ...predicts }, mask: negatives, epochs: 1 },
  "MoCo v3": { method: { name: "mocov3", ...predicts }, mask: negatives, epochs: 1 },
  DINO: { method: { name: "dino", ...prototypes, normInHead: true }, mask: plain, epochs: 1 },
  "Barlow Twins": { method: { name: "barlow", ...small }, mask: plain, epochs: 1 },
  VICReg: { method: { name: "vicreg", ...small }, mask: plain, epochs: 1 },
};
const courses = Object.values(methods).map((method) => job(method, smallSteps));
const firstSteps = Object.values(methods).map((method) => job({ ...method, epochs: 0.5 }, largeStep));

/**
 * The largest difference of any number, as a share of the number where it is above 1. Running statistics of local batch norm are averaged by
 * ranks and followed by groups. A queue holds embeddings, which differ by more than weights: they have length one, however small they were.
 */
function distance(one: RankResult, other: RankResult, isLocal: boolean) {
  const most = (pairs: readonly (readonly [number, number])[]) =>
    pairs.reduce((largest, [a, b]) => Math.max(largest, Math.abs(a - b) / Math.max(1, Math.abs(a))), 0);
  const isCompared = (name: string) => name !== "queue" && !(isLocal && /running_|num_batches/.test(name));
  const among = (names: readonly string[]) =>
    most(names.flatMap((name) => one.state[name].map((a, i) => [a, other.state[name][i]] as const)));
  const names = Object.keys(one.state);
  return {
    logs: most(one.logs.map(({ loss }, step) => [loss, other.logs[step].loss])),
    state: among(names.filter(isCompared)),
    queue: among(names.filter((name) => name === "queue")),
  };
}

/** The furthest that a number of the convolutions' weights is from one state to the other. */
const movement = (one: RankResult, other: RankResult): number =>
  Object.keys(one.state)
    .filter((name) => /conv\d\.weight$/.test(name))
    .flatMap((name) => one.state[name].map((a, i) => Math.abs(a - other.state[name][i])))
    .reduce((furthest, moved) => Math.max(furthest, moved), 0);

const run = {
  ...smallSettings,
  method: { ...smallSettings.method, groups: 1 },
  mask: negatives,
  train: { ...smallSettings.train, ...smallSteps, batchNorm: "sync", knnEvery: 1, varianceEvery: 1 },
};

describe("two ranks with half a batch each", () => {
  let folder: string;
  let together: RankAnswer[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "salmask-ranks-"));
    await writePhotos(join(folder, "photos"), 24, 16, ["a", "b", "c"]);
    together = await onRanks(2, {
      trainings: [...courses, ...firstSteps],
      runs: [{ ...inFolder("together"), settings: settingsOf("ranks"), stopAfter: 4 }],
    });
  });

  afterAll(() => rm(folder, { recursive: true }));

  const inFolder = (out: string) => ({ photos: join(folder, "photos"), out: join(folder, out) });
  const settingsOf = (cache: string) => ({ ...run, data: { ...run.data, cache: join(folder, cache) } });

  it.each(Object.keys(methods))("learn what one rank learns from the whole batch: %s", async (name) => {
    const place = Object.keys(methods).indexOf(name);
    const ofRanks = (i: number) => together.map(({ trainings }) => trainings[i]);
    const isLocal = methods[name].batchNorm === "local";

    const [first, second] = ofRanks(place);
    expect(second).toEqual(first);
    const alone = await trainOnRank(courses[place], oneRank);
    expect(first.logs.length).toBe(2 * methods[name].epochs);
    const { logs, state, queue } = distance(alone, first, isLocal);
    expect(logs).toBeLessThan(1e-5);
    expect(state).toBeLessThan(1e-5);
    expect(queue).toBeLessThan(1e-4);
    for (const [step, one] of alone.logs.entries())
      expect(Object.keys(first.logs[step])).toEqual(Object.keys(one));

    const [stepped] = ofRanks(courses.length + place);
    const steppedAlone = await trainOnRank(firstSteps[place], oneRank);
    const moved = movement(alone, steppedAlone);
    expect(moved).toBeGreaterThan(1e-2);
    expect(movement(stepped, steppedAlone)).toBeLessThan(5e-4 * moved);
  });

  it("stop after the same step, and one rank goes on from their checkpoint as if it had been alone", async () => {
    expect(together.map(({ runs }) => runs)).toEqual([["interrupted"], ["interrupted"]]);
    const config = configSchema.parse(settingsOf("ranks"));
    const whole = await pretrain({ ...inFolder("alone"), config });
    const resumed = await pretrain({ ...inFolder("together"), config, resume: true });
    expect(resumed.stepsHere).toBe(whole.steps - 4);
    const [before, after] = [whole, resumed].map(({ run: path }) => new RunFolder(path).log.read());
    expect(after.map(({ step }) => step)).toEqual(before.map(({ step }) => step));
    for (const [i, { logs }] of before.entries()) {
      expect(Object.keys(after[i].logs)).toEqual(Object.keys(logs));
      expect(Math.abs(after[i].logs.loss - logs.loss)).toBeLessThan(1e-5);
    }
    scope(() => {
      const [one, other] = [whole, resumed].map(({ weights }) => loadSafetensors(weights));
      for (const [name, tensor] of Object.entries(one))
        expect(tensor.sub(other[name]).abs().amax().item(), name).toBeLessThan(1e-5);
    });
  });
});
