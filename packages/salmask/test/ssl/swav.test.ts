import { Generator, ops, randn, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { sinkhorn } from "../../src/ssl/sinkhorn.js";
import { Swav } from "../../src/ssl/swav.js";
import type { BatchViews } from "../../src/views/view.js";
import { batchOf, compare } from "./compare.js";
import { expectResumed, learnsOneBatch } from "./host.js";
import { caseOf, expectStepsAsInPytorch } from "./host-step.js";

const method = {
  name: "swav",
  dim: 8,
  hidden: 16,
  prototypes: 12,
  localCrops: 2,
  localCrop: 8,
  frozenEpochs: 0,
};
const sharp = { epsilon: 0.5, temperature: 0.3, sinkhornIterations: 2 };

describe("Swav", () => {
  it("has PyTorch's loss and gradients, with and without masks and small crops", () => {
    expectStepsAsInPytorch(new URL("swav_golden.py", import.meta.url), {
      masked: caseOf({ method }),
      "other numbers": caseOf({ method: { ...method, ...sharp } }),
      "no small crops, frozen prototypes": caseOf({ method: { ...method, localCrops: 0, frozenEpochs: 3 } }),
      "masked targets": caseOf({ method, mask: { fill: "mean", branch: "key" } }),
      "nothing masked": caseOf({ method, mask: { fill: "none" } }),
    });
  });

  it("brings the views of a photo together and keeps photos apart", () => {
    learnsOneBatch(caseOf({ method: { ...method, codeQueue: 0 } }));
  });

  it("assigns a batch together with past ones once its queue is full", () => {
    const options = { epsilon: 0.1, iterations: 3, temperature: 0.2 };
    const swav = new Swav({
      ...options,
      seed: 4,
      encoder: { backbone: { arch: "resnet18", stem: "small", width: 4 }, hidden: 16, dim: 8 },
      branch: "query",
      prototypes: 6,
      frozenEpochs: 0,
      queue: 8,
      queueFromEpoch: 1,
    });
    const batch = (seed: number): BatchViews => {
      const generator = new Generator(seed);
      return batchOf(randn([4, 3, 16, 16], { generator }), randn([4, 3, 16, 16], { generator }));
    };
    const embeddings = ({ views }: BatchViews): Tensor[] =>
      swav.network.embed([ops.cat(views.map(({ clean }) => clean))]).split(4); // [4, dim] each
    const expected = (past: readonly BatchViews[], now: BatchViews): number => {
      const own = embeddings(now);
      const losses = own.map((mine, crop) => {
        const all = ops.cat([...past.map((then) => embeddings(then)[crop]), mine]);
        const plan = sinkhorn(swav.network.prototypes.forward(all), options);
        const codes = plan.narrow(0, plan.shape[0] - 4, 4); // [4, 6]
        const logits = swav.network.prototypes.forward(own[1 - crop]).div(options.temperature);
        return codes.mul(logits.logSoftmax(1)).sum().div(-4).item();
      });
      return (losses[0] + losses[1]) / 2;
    };
    scope(() => {
      const [early, one, two, three] = [0, 1, 2, 3].map(batch);
      const lossAt = (step: number, now: BatchViews) => compare(swav, now, step).loss.item();
      expect(lossAt(99, early)).toBeCloseTo(expected([], early), 5);
      expect(swav.logs()).toEqual({ queueFill: 0 });
      expect(lossAt(100, one)).toBeCloseTo(expected([], one), 5);
      expect(lossAt(101, two)).toBeCloseTo(expected([], two), 5);
      expect(swav.logs()).toEqual({ queueFill: 1 });
      expect(lossAt(102, three)).toBeCloseTo(expected([one, two], three), 5);
      expect(Math.abs(expected([], three) - expected([one, two], three))).toBeGreaterThan(1e-3);
    });
    swav.dispose();
  });

  it("goes on from its state, queue and all, as if it had never stopped", () => {
    expectResumed(caseOf({ method: { ...method, codeQueue: 9, codeQueueEpoch: 0 } }));
  });
});
