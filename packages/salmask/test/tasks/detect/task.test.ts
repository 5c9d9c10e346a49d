import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, noGrad, scope } from "@salmask/torch";
import { beforeAll, expect, it } from "vitest";
import { StageClock } from "../../../src/base/stage-clock.js";
import { generateObjects } from "../../../src/data/embedded/generate-objects.js";
import type { AnnotatedPhotos } from "../../../src/data/samples/objects.js";
import { readObjects } from "../../../src/data/sets/read-objects.js";
import { openSet } from "../../../src/data/sets/registry.js";
import { createBackbone } from "../../../src/models/registry.js";
import { chooseByPhotos } from "../../../src/tasks/detect/recipe.js";
import { detectSettings } from "../../../src/tasks/detect/settings.js";
import { DetectTask } from "../../../src/tasks/detect/task.js";
import { buildDetector } from "../../../src/weights/detector-files.js";

let set: AnnotatedPhotos;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "salmask-detect-task-"));
  await generateObjects(folder, { train: 4, test: 1, size: 64, classes: 2 });
  const opened = await openSet(folder);
  if (opened.set.kind !== "annotated") throw new Error("expected objects");
  set = (await readObjects(opened.set, "train")).photos;
  return () => rm(folder, { recursive: true, force: true });
});

/** All four photos are one batch. */
function taskOf({ groups = 1, norm = "batch" }: { groups?: number; norm?: string }): DetectTask {
  const asked = detectSettings.schema.parse({
    train: { batchSize: 4, groups },
    detection: {
      norm,
      pyramidChannels: 16,
      headWidth: 32,
      rpn: { candidatesInTraining: 50, proposalsInTraining: 40, samples: 32 },
      box: { samples: 32 },
    },
  });
  const generator = new Generator(5);
  const backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, generator);
  const strides = backbone.levels.map(({ stride }) => stride);
  const { config } = chooseByPhotos(asked, { photos: set.photos, strides });
  const description = { settings: config.detection, categories: [...set.categories], highPass: null };
  return new DetectTask(
    noGrad(() => buildDetector(description, backbone, generator)),
    set,
    config,
  );
}

/** The logs of each group of a batch. */
async function groupsOf(task: DetectTask): Promise<Readonly<Record<string, number>>[]> {
  const [ids] = task.batches(0);
  await task.fetch(ids, null);
  return noGrad(() =>
    scope(() => {
      const groups = task.see(ids, { epoch: 0 }, new StageClock());
      return Array.from(task.learners[0].losses(groups), ({ loss, logs }) => ({
        scaled: loss.item(),
        ...logs(),
      }));
    }),
  );
}

const firstNorm = (task: DetectTask) => task.detector.stateDict()["backbone.body.bn1.num_batches_tracked"];

it("takes a batch in groups with statistics of their own, whose losses add up to a mean", async () => {
  const [whole, halves] = [taskOf({ norm: "frozen" }), taskOf({ groups: 2, norm: "frozen" })];
  const [one] = await groupsOf(whole);
  const two = await groupsOf(halves);
  expect(two).toHaveLength(2);
  for (const { scaled, loss } of two) expect(scaled).toBeCloseTo(loss / 2, 6);
  // As many anchors are learned from in each photo, so this loss is a mean over photos.
  expect((two[0].objectness + two[1].objectness) / 2).toBeCloseTo(one.objectness, 5);
  whole.dispose();
  halves.dispose();
  const thirds = taskOf({ groups: 3 });
  expect(await groupsOf(thirds)).toHaveLength(2); // 2 photos each
  expect(firstNorm(thirds).item()).toBe(2);
  thirds.dispose();
});

it("averages the norms' statistics over batches, whatever they were, and changes nothing else", async () => {
  const task = taskOf({});
  const state = () =>
    scope(() =>
      Object.fromEntries(
        Object.entries(task.detector.stateDict()).map(([name, value]) => [
          name,
          value.to({ dtype: "float32" }).toFloat32Array(),
        ]),
      ),
    );
  const before = state();
  const found: ReturnType<typeof state>[] = [];
  for (const [count, epoch] of [
    [1, 3],
    [1, 4],
    [2, 3],
  ]) {
    await task.averageNorms(count, epoch);
    found.push(state());
  }
  const [first, second, both] = found;
  let statistics = 0;
  for (const [name, values] of Object.entries(both)) {
    if (name.endsWith("num_batches_tracked")) continue;
    if (!/running_(mean|var)$/.test(name)) {
      expect(values, name).toEqual(before[name]);
      continue;
    }
    statistics++;
    const scale = Math.max(...values.map(Math.abs));
    for (const [i, value] of values.entries())
      expect(Math.abs(value - (first[name][i] + second[name][i]) / 2), name).toBeLessThan(1e-6 * scale);
  }
  expect(statistics).toBeGreaterThan(20);
  expect(first["backbone.body.bn1.running_mean"]).not.toEqual(second["backbone.body.bn1.running_mean"]);
  task.dispose();
});
