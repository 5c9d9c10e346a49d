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
 * Sums of another order differ by 1e-7, and some of so many ReLUs are as near to 0. Where one of them is cut off on one side alone, its
 * gradient jumps; larger steps make 1e-3 of it within four.
 */
const gentle = { optimizer: "sgd", lr: 1e-4 };
const saliency = { source: "spectral-residual", scope: "photo" };

/** Four steps to an epoch of 32 photos. */
function job(
  method: object,
  mask: object,
  epochs: number,
  batchNorm: RankJob["batchNorm"] = "sync",
): RankJob {
  const settings = {
    ...smallSettings,
    model: { arch: "resnet18", width: 4, stem: "small" },
    saliency,
    mask,
    method,
    train: { ...smallSettings.train, epochs, ...gentle, batchNorm },
  };
  return { settings, batchNorm, epochs };
}

const plain = { fill: "mean", negative: { count: 0 } };
const small = { dim: 8, hidden: 16 };
const predicts = { ...small, predictorHidden: 16 };
const prototypes = { ...small, prototypes: 6, localCrops: 1, frozenEpochs: 1 };
const moco = { name: "mocov2", queue: 24, momentum: 0.9, dim: 8 };

/** Five epochs are twenty steps. */
const jobs: Readonly<Record<string, RankJob>> = {
  "MoCo v2": job({ ...moco, groups: 1 }, negatives, 5),
  SimCLR: job({ name: "simclr", dim: 8 }, negatives, 5),
  BYOL: job({ name: "byol", ...predicts }, negatives, 5),
  SwAV: job({ name: "swav", ...prototypes, codeQueue: 16, codeQueueEpoch: 1 }, plain, 5),
  "MoCo v2, keys shuffled over ranks that normalise alone": job({ ...moco, groups: 2 }, plain, 3, "local"),
  SimSiam: job({ name: "simsiam", ...predicts }, negatives, 2),
  "MoCo v3": job({ name: "mocov3", ...predicts }, negatives, 2),
  DINO: job({ name: "dino", ...prototypes, normInHead: true }, plain, 2),
  "Barlow Twins": job({ name: "barlow", ...small }, plain, 2),
  VICReg: job({ name: "vicreg", ...small }, plain, 2),
};

/** The largest difference of any number. Running statistics of local batch norm are averaged by ranks and followed by groups. */
function distance(one: RankResult, other: RankResult, isLocal: boolean): { logs: number; state: number } {
  const most = (pairs: readonly (readonly [number, number])[]) =>
    pairs.reduce((largest, [a, b]) => Math.max(largest, Math.abs(a - b)), 0);
  const names = Object.keys(one.state).filter((name) => !(isLocal && /running_|num_batches/.test(name)));
  return {
    logs: most(one.logs.map(({ loss }, step) => [loss, other.logs[step].loss])),
    state: most(names.flatMap((name) => one.state[name].map((a, i) => [a, other.state[name][i]] as const))),
  };
}

const run = {
  ...smallSettings,
  method: { ...smallSettings.method, groups: 1 },
  mask: negatives,
  train: { ...smallSettings.train, ...gentle, batchNorm: "sync", knnEvery: 1, varianceEvery: 1 },
};

describe("two ranks with half a batch each", () => {
  let folder: string;
  let together: RankAnswer[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "salmask-ranks-"));
    await writePhotos(join(folder, "photos"), 24, 16, ["a", "b", "c"]);
    together = await onRanks(2, {
      trainings: Object.values(jobs),
      runs: [{ ...inFolder("together"), settings: settingsOf("ranks"), stopAfter: 4 }],
    });
  });

  afterAll(() => rm(folder, { recursive: true }));

  const inFolder = (out: string) => ({ photos: join(folder, "photos"), out: join(folder, out) });
  const settingsOf = (cache: string) => ({ ...run, data: { ...run.data, cache: join(folder, cache) } });

  it.each(Object.entries(jobs))("learn what one rank learns from the whole batch: %s", async (name, what) => {
    const [first, second] = together.map(({ trainings }) => trainings[Object.keys(jobs).indexOf(name)]);
    expect(second).toEqual(first);
    const alone = await trainOnRank(what, oneRank);
    expect(first.logs.length).toBe(4 * what.epochs);
    const { logs, state } = distance(alone, first, what.batchNorm === "local");
    expect(logs).toBeLessThan(1e-5);
    expect(state).toBeLessThan(1e-5);
    for (const [step, one] of alone.logs.entries())
      expect(Object.keys(first.logs[step])).toEqual(Object.keys(one));
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
