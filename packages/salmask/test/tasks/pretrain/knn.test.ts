import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import type { RunEvent } from "../../../src/base/events.js";
import { onCpu } from "../../../src/compute/compute.js";
import { configSchema } from "../../../src/config/schema.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { KnnPhotos } from "../../../src/tasks/pretrain/knn.js";
import { type PretrainOptions, pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { PretrainTask } from "../../../src/tasks/pretrain/task.js";
import { train as trainTask } from "../../../src/training/trainer.js";
import { flatDataset } from "../../support/flat-photos.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";
import { failure, weightsOf } from "../../support/pretrain.js";

/** 16 photos for two steps per epoch, with their classes, and 24 others of two classes for `train.validate`. */
async function prepare(classes: readonly string[] = ["a"]) {
  const folder = await temporaryFolder();
  const [photos, validate] = [join(folder, "photos"), join(folder, "others")];
  await writePhotos(photos, 16, 16, classes);
  await writePhotos(validate, 24, 16, ["red", "blue"]);
  const data = { ...smallSettings.data, cache: join(folder, "cache") };
  const optionsOf = (name: string, train: object): PretrainOptions => ({
    photos,
    out: join(folder, name),
    config: configSchema.parse({
      ...smallSettings,
      data,
      saliency: { source: "centre" },
      train: { ...smallSettings.train, epochs: 2, logEvery: 3, ...train },
    }),
    resume: false,
  });
  return { folder, photos, validate, optionsOf };
}

const scoresOf = (out: string) =>
  new RunFolder(out).log.read().flatMap(({ step, logs, seconds }) => {
    expect(seconds?.knn !== undefined && seconds.knn > 0).toBe(logs.knn !== undefined);
    return logs.knn === undefined ? [] : [[step, logs.knn]];
  });

const widths = { dim: 8, hidden: 16 };
/** One encoder; a second that follows it, with a queue, a predictor or a centre; a model that hides. */
const kinds: Record<string, object> = {
  simclr: { method: { name: "simclr", dim: 8 } },
  mocov2: { method: smallSettings.method },
  byol: { method: { name: "byol", ...widths, predictorHidden: 16 } },
  dino: { method: { name: "dino", ...widths, prototypes: 16, localCrops: 2 } },
  adios: {
    method: { name: "simclr", dim: 8 },
    occlusion: { name: "adios", masks: 2, channels: 2 },
    mask: { fill: "none" },
  },
};

const red = Array.from({ length: 8 }, () => ({ colour: "red", label: 0 }) as const);
const blue = Array.from({ length: 8 }, () => ({ colour: "blue", label: 1 }) as const);

/** The state after four steps on photos in memory, as bytes, and the scores by their steps. */
async function trained(settings: object, knnEvery: number): Promise<{ state: string; scores: number[][] }> {
  const dataset = flatDataset([...red, ...blue], ["red", "blue"]);
  const train = { ...smallSettings.train, epochs: 2, logEvery: 3, knnEvery };
  const config = configSchema.parse({ ...smallSettings, saliency: { source: "centre" }, ...settings, train });
  const options = { config, dataset, compute: onCpu };
  const knn = await KnnPhotos.open(options);
  const task = await PretrainTask.create(options);
  const scores: number[][] = [];
  const report = (event: RunEvent) => {
    if (event.kind !== "log") return;
    const { step, logs, seconds } = event.entry;
    expect((seconds?.knn ?? 0) > 0).toBe(logs.knn !== undefined);
    if (logs.knn !== undefined) scores.push([step, logs.knn]);
  };
  try {
    await trainTask(task, { epochs: 2, logEvery: 3, knn: knn?.of(task.method.backbone), report });
    const hash = createHash("sha256");
    for (const [name, tensor] of Object.entries(task.state().tensors))
      hash.update(name).update(JSON.stringify(tensor.toArray()));
    return { state: hash.digest("hex"), scores };
  } finally {
    task.dispose();
  }
}

describe("kNN during training", () => {
  it.each(Object.entries(kinds))("leaves what %s learns as it is", async (_, settings) => {
    const [plain, scored] = [await trained(settings, 0), await trained(settings, 1)];
    expect(scored.state).toBe(plain.state);
    expect(plain.scores).toEqual([]);
    expect(scored.scores.map(([step]) => step)).toEqual([2, 4]);
    for (const [, score] of scored.scores) expect([0, 0.25, 0.5, 0.75, 1]).toContain(score);
  });

  it("is at the end what the comparison with an untrained encoder says, of the run's own classes", async () => {
    const { optionsOf } = await prepare(["red", "blue"]);
    const options = optionsOf("run", { knnEvery: 1 });
    const { classes } = await pretrain(options);
    const scores = scoresOf(options.out);
    expect(scores.map(([step]) => step)).toEqual([2, 4]);
    expect(scores[1][1]).toBe(classes?.knn.top1);
  });

  it("goes on after an interruption to the same scores and weights, also in the middle of a score", async () => {
    const { validate, optionsOf } = await prepare();
    const train = { knnEvery: 1, knnPhotos: 16, validate };
    const whole = optionsOf("whole", train);
    await pretrain(whole);
    const asked = new Set<number | null>();
    for (const at of ["log", "progress"] as const) {
      const abort = new AbortController();
      const cut = { ...optionsOf(`cut-${at}`, train), signal: abort.signal };
      const report = (event: RunEvent) => {
        if (event.kind === "progress" && event.what === "scoring by kNN") asked.add(event.total);
        if (event.kind === at && (event.kind === "log" || event.what === "scoring by kNN")) abort.abort();
      };
      expect(await failure({ ...cut, report })).toBeInstanceOf(InterruptedError);
      expect(scoresOf(cut.out)).toEqual(at === "log" ? scoresOf(whole.out).slice(0, 1) : []);
      await pretrain({ ...cut, signal: undefined, resume: true });
      const missing = at === "log" ? 0 : 1;
      expect(scoresOf(cut.out)).toEqual(scoresOf(whole.out).slice(missing));
      expect(weightsOf(cut.out).equals(weightsOf(whole.out))).toBe(true);
    }
    expect(asked).toEqual(new Set([16]));
  });

  it("warns where the run's photos have no classes, and refuses other photos without", async () => {
    const { photos, optionsOf } = await prepare();
    const warned: string[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "warning") warned.push(event.code);
    };
    await pretrain({ ...optionsOf("run", { epochs: 1, knnEvery: 1 }), report });
    expect(warned).toContain("no-classes");
    const refused = optionsOf("refused", { knnEvery: 1, validate: photos });
    expect((await failure(refused)).code).toBe("no-labels");
    expect(existsSync(join(refused.out, "metrics.jsonl"))).toBe(false);
    expect(() => optionsOf("none", { validate: photos })).toThrow(/knnEvery/);
  });
});
