import { Generator, ops, randn, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { Dino, type DinoOptions, teacherTemperatureAt } from "../../src/ssl/dino.js";
import { risingMomentum } from "../../src/ssl/momentum.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import { atStep, batchOf, compare } from "./compare.js";
import { expectResumed, learnsOneBatch } from "./host.js";
import { caseOf, expectStepsAsInPytorch } from "./host-step.js";

const method = {
  name: "dino",
  dim: 8,
  hidden: 16,
  prototypes: 12,
  localCrops: 2,
  localCrop: 8,
  frozenEpochs: 0,
};

function withDino(given: Partial<DinoOptions>, use: (dino: Dino) => void): void {
  const dino = new Dino({
    seed: 4,
    encoder: { backbone: { arch: "resnet18", stem: "small", width: 4 }, hidden: 16, dim: 8 },
    branch: "query",
    normInHead: false,
    prototypes: 6,
    frozenEpochs: 0,
    temperature: 0.1,
    teacherTemperature: { start: 0.04, end: 0.07, warmupEpochs: 30 },
    momentum: 0.9,
    centreMomentum: 0.75,
    clipGradient: 3,
    weightDecayGrowth: 1,
    ...given,
  });
  scope(() => use(dino));
  dino.dispose();
}

describe("Dino", () => {
  it("has PyTorch's loss and gradients, with and without masks and small crops", () => {
    const warm = { teacherTemperatureStart: 0.3, teacherTemperature: 0.1, teacherWarmupEpochs: 4 };
    expectStepsAsInPytorch(new URL("dino_golden.py", import.meta.url), {
      masked: caseOf({ method }),
      "clipped, in the warm-up": caseOf({ method: { ...method, ...warm, clipGradient: 0.02 } }),
      "no small crops, frozen prototypes": caseOf({ method: { ...method, localCrops: 0, frozenEpochs: 3 } }),
      "batch norm in the head": caseOf({ method: { ...method, normInHead: true } }),
      "masked targets": caseOf({ method, mask: { fill: "mean", branch: "key" } }),
      "nothing masked": caseOf({ method, mask: { fill: "none" } }),
    });
  });

  it("brings the views of a photo together and keeps photos apart", () => {
    const wide = { dim: 16, hidden: 64, prototypes: 32, normInHead: true };
    const quick = { momentum: 0.9, centreMomentum: 0.5 };
    learnsOneBatch(caseOf({ method: { ...method, ...wide, ...quick } }), { lr: 0.1, steps: 60 });
  });

  it("goes on from its state as if it had never stopped", () => {
    expectResumed(caseOf({ method }));
  });

  it("takes the moving mean of the teacher's earlier outputs from them", () => {
    withDino({}, (dino) => {
      const generator = new Generator(1);
      const [one, two] = [1, 2].map(() =>
        batchOf(randn([4, 3, 16, 16], { generator }), randn([4, 3, 16, 16], { generator })),
      );
      const [first, second] = [one, two].map(
        ({ views }) =>
          dino.teacher
            .forward(ops.cat(views.map(({ clean }) => clean)))
            .mean([0])
            .toArray(), // [6]
      );
      compare(dino, one);
      expect(dino.centre.toArray()).toEqual(first.map(() => 0));
      dino.afterStep(0);
      expect(dino.centre.toArray()).toEqual(first.map((value) => expect.closeTo(0.25 * value, 5)));
      compare(dino, two);
      dino.afterStep(0);
      const both = first.map((value, k) => expect.closeTo(0.75 * 0.25 * value + 0.25 * second[k], 5));
      expect(dino.centre.toArray()).toEqual(both);
    });
  });

  it("scores by cosines, whatever the length of a prototype", () => {
    withDino({}, ({ student }) => {
      const pictures = randn([4, 3, 16, 16], { generator: new Generator(2) });
      const before = student.forward(pictures).toArray();
      for (const score of before) expect(Math.abs(score)).toBeLessThanOrEqual(1 + 1e-6);
      for (const weight of student.prototypes.parameters()) weight.detach().mul_(3);
      for (const [i, score] of student.forward(pictures).toArray().entries())
        expect(score).toBeCloseTo(before[i], 5);
    });
  });
});

describe("DINO's schedules", () => {
  it("warm the teacher up from 0.04 to 0.07 over 30 epochs, as numpy's linspace", () => {
    const paper = { start: 0.04, end: 0.07, warmupEpochs: 30 };
    const at = (epoch: number) => teacherTemperatureAt(paper, epoch);
    expect(at(0)).toBe(0.04);
    expect(at(1)).toBeCloseTo(0.04 + 0.03 / 29, 12);
    expect([at(29), at(30), at(99)]).toEqual([expect.closeTo(0.07, 12), 0.07, 0.07]);
    expect(teacherTemperatureAt({ ...paper, warmupEpochs: 1 }, 0)).toBe(0.04);
    expect(teacherTemperatureAt({ ...paper, warmupEpochs: 0 }, 0)).toBe(0.07);
  });

  it("slow the teacher down from 0.996 to a stop", () => {
    expect([0, 0.5, 1].map((done) => risingMomentum(0.996, done))).toEqual([
      expect.closeTo(0.996, 12),
      expect.closeTo(0.998, 12),
      1,
    ]);
  });

  it("raise weight decay from 0.04 to 0.4 where it is asked for, and leave it otherwise", () => {
    const over = (dino: Dino) => [0, 500, 1000].map((step) => dino.weightDecay(0.04, atStep(step)));
    withDino({ weightDecayGrowth: 10 }, (dino) =>
      expect(over(dino)).toEqual([0.04, 0.22, 0.4].map((decay) => expect.closeTo(decay, 12))),
    );
    withDino({}, (dino) => expect(over(dino)).toEqual([0.04, 0.04, 0.04]));
  });

  it("train ConvNets with SGD at 0.03 for a batch of 256, transformers with AdamW at 0.0005", () => {
    const config = configSchema.parse({ method: { name: "dino" } });
    expect(builtInMethods.optimizer(config)).toEqual({ name: "sgd", rate: 0.03 });
    const transformer = configSchema.parse({ method: { name: "dino" }, model: { arch: "vit_tiny" } });
    expect(builtInMethods.optimizer(transformer)).toEqual({ name: "adamw", rate: 5e-4 });
  });
});
