import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Generator } from "@salmask/torch";
import sharp from "sharp";
import { expect, it } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { openDataset, type PackedDataset } from "../../../src/data/store/dataset.js";
import { fillOf } from "../../../src/masking/fills/registry.js";
import { createBackbone } from "../../../src/models/registry.js";
import {
  type PaperLinearOptions,
  paperLinear,
  paperLinearDefaults,
} from "../../../src/tasks/probe/linear-paper.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";

const { mask } = configSchema.parse({});
const plain = fillOf({ ...mask, fill: "none" });
const highPass = fillOf({ ...mask, fill: "high-pass" });
const options: Omit<PaperLinearOptions, "known"> = {
  ...paperLinearDefaults,
  fill: plain,
  crop: 16,
  seed: 3,
  epochs: 6,
  lr: 1,
  milestones: [],
};

interface Probed {
  top1: number;
  /** One per epoch. */
  losses: number[];
  /** In order: the end of an epoch, or a use of one data set's photos. */
  events: string[];
}

/**
 * Probes an encoder with new random weights on photos that `write` writes to a folder; training and test photos are the
 * same.
 */
async function probed(
  write: (folder: string) => Promise<void>,
  change: Partial<PaperLinearOptions> = {},
): Promise<Probed> {
  const folder = await temporaryFolder();
  await write(join(folder, "photos"));
  const dataset = await openDataset(join(folder, "photos"), { size: 16, cacheDir: join(folder, "cache") });
  const backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  const losses: number[] = [];
  const events: string[] = [];
  const watched = (name: string): PackedDataset => ({
    ...dataset,
    images: (ids) => {
      events.push(name);
      return dataset.images(ids);
    },
  });
  try {
    const known = Int32Array.from({ length: dataset.length }, (_, i) => i);
    const given = { ...options, known, ...change };
    const { top1 } = await paperLinear(backbone, watched("train"), watched("test"), given, (event) => {
      if (event.kind !== "log") return;
      losses.push(event.entry.logs.loss);
      events.push("epoch");
    });
    return { top1, losses, events };
  } finally {
    backbone.dispose();
    dataset.close();
  }
}

/** Photos of one colour: three of class a, one of class b; each class has its own colour. */
async function writeFlat(folder: string): Promise<void> {
  for (const [i, name] of ["a", "a", "a", "b"].entries()) {
    await mkdir(join(folder, name), { recursive: true });
    const background = name === "a" ? { r: 200, g: 60, b: 60 } : { r: 40, g: 60, b: 220 };
    const create = { width: 16, height: 16, channels: 3, background } as const;
    await sharp({ create })
      .png()
      .toFile(join(folder, name, `${i}.png`));
  }
}

const writeNoise = (folder: string) => writePhotos(folder, 24, 16, ["a", "b", "c"]);

it("separates classes that the features separate", async () => {
  const { top1, losses } = await probed(writeNoise, { epochs: 12, batchSize: 8 });
  expect(top1).toBe(1);
  expect(losses[11]).toBeLessThan(losses[0] / 4);
});

it("trains with SGD and momentum, and divides the rate by ten at each milestone", async () => {
  // After the high-pass filter these photos are 0, so that only the bias learns: two numbers, computed by hand.
  const change = { fill: highPass, epochs: 9, lr: 2, milestones: [3, 6] };
  const { losses } = await probed(writeFlat, change);
  const share = [0.75, 0.25];
  const bias = [0, 0];
  const velocity = [0, 0];
  for (const [epoch, loss] of losses.entries()) {
    const total = Math.exp(bias[0]) + Math.exp(bias[1]);
    const chance = bias.map((value) => Math.exp(value) / total);
    const expected = -share[0] * Math.log(chance[0]) - share[1] * Math.log(chance[1]);
    expect(loss, `epoch ${epoch}`).toBeCloseTo(expected, 4);
    const lr = epoch < 3 ? 2 : epoch < 6 ? 0.2 : 0.02;
    for (const k of [0, 1]) {
      velocity[k] = 0.9 * velocity[k] + chance[k] - share[k];
      bias[k] -= lr * velocity[k];
    }
  }
  expect(losses).toHaveLength(9);
});

it("prepares photos as in the encoder's training: after the filter, flat colours contain no information", async () => {
  expect((await probed(writeFlat)).top1).toBe(1);
  expect((await probed(writeFlat, { fill: highPass })).top1).toBe(0.75);
});

it("uses the test photos once, after the last epoch, so that no better epoch can be chosen", async () => {
  const { events } = await probed(writeNoise, { epochs: 3, batchSize: 12 });
  const epoch = ["train", "train", "epoch"];
  expect(events).toEqual([...epoch, ...epoch, ...epoch, "test", "test"]);
});

it("gives the same losses for the same seed, and others for another", async () => {
  const [one, again, other] = [
    await probed(writeNoise, { epochs: 2 }),
    await probed(writeNoise, { epochs: 2 }),
    await probed(writeNoise, { epochs: 2, seed: 4 }),
  ];
  expect(again.losses).toEqual(one.losses);
  expect(other.losses).not.toEqual(one.losses);
});

it("has the paper's numbers as its defaults", () => {
  expect(paperLinearDefaults).toEqual({
    ...{ lr: 30, epochs: 100, milestones: [60, 80], momentum: 0.9, batchSize: 256 },
  });
});
