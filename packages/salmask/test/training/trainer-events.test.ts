import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/base/events.js";
import { train } from "../../src/training/trainer.js";
import { checkpointsIn, epochs, steps, stepsPerEpoch, usual } from "./plan.js";
import { batchSize, Quadratic } from "./quadratic.js";

describe("what a trainer reports", () => {
  const options = { ...usual, epochs: 2, logEvery: 2, lookEvery: 1 };

  it("is the start, each step, some logs before their steps, and each checkpoint after its step", async () => {
    using task = new Quadratic();
    const events: string[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "log") events.push(`log ${event.entry.step}`);
      else if (event.kind === "step" || event.kind === "checkpoint")
        events.push(`${event.kind} ${event.step}`);
      else events.push(event.kind);
    };
    await train(task, { ...options, checkpoints: await checkpointsIn(), report });
    expect(events).toEqual([
      ...["begin", "step 1", "log 2", "step 2", "log 3", "step 3", "checkpoint 3"],
      ...["log 4", "step 4", "step 5", "log 6", "step 6", "checkpoint 6"],
    ]);
  });

  it("includes the plan, and the step from which it continues", async () => {
    using task = new Quadratic();
    const begun: RunEvent[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "begin") begun.push(event);
    };
    await train(task, { ...usual, first: 5, report });
    expect(begun).toEqual([{ kind: "begin", step: 5, steps, stepsPerEpoch, epochs, batchSize }]);
  });

  it("includes the remaining seconds, estimated from the speed since the last log entry", async () => {
    using task = new Quadratic();
    const logged: Extract<RunEvent, { kind: "log" }>[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "log") logged.push(event);
    };
    const began = performance.now();
    await train(task, { ...options, epochs, report });
    const seconds = (performance.now() - began) / 1000;
    expect(logged.map(({ entry }) => entry.step)).toEqual([2, 3, 4, 6, 8, 9, 10, 12]);
    for (const { entry, left } of logged) {
      expect(entry.imagesPerSecond).toBeGreaterThan(0);
      expect(left * entry.imagesPerSecond).toBeCloseTo((steps - entry.step) * batchSize, 6);
    }
    expect(logged.at(-1)?.left).toBe(0);
    // The times of the log entries add up to at most the duration of the run.
    const photosOf = logged.map(
      ({ entry }, i) => batchSize * (entry.step - (logged[i - 1]?.entry.step ?? 0)),
    );
    const spent = logged.reduce((sum, { entry }, i) => sum + photosOf[i] / entry.imagesPerSecond, 0);
    expect(spent).toBeLessThan(seconds);
    expect(spent).toBeGreaterThan(0.2 * seconds);
  });

  it("includes kNN scores at the ends of their epochs, and in the remaining seconds those that are to come", async () => {
    using task = new Quadratic();
    const logged: Extract<RunEvent, { kind: "log" }>[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "log") logged.push(event);
    };
    const score = () => new Promise<number>((done) => setTimeout(done, 20, 0.25));
    await train(task, { epochs, logEvery: 100, knn: { every: 2, score }, report });
    expect(logged.map(({ entry }) => [entry.step, entry.logs.knn])).toEqual([
      [6, 0.25],
      [12, 0.25],
    ]);
    const [{ entry, left }, { left: end }] = logged;
    const cost = entry.seconds?.knn ?? Number.NaN;
    expect(cost).toBeGreaterThan(0.015);
    expect(left - cost).toBeCloseTo(((steps - 6) * batchSize) / entry.imagesPerSecond, 6);
    expect(end).toBe(0);
  });

  it("includes the numbers of the loss on each logged step, and those of `look` at the end of an epoch", async () => {
    using task = new Quadratic();
    const logged = new Map<number, string[]>();
    const report = (event: RunEvent) => {
      if (event.kind === "log") logged.set(event.entry.step, Object.keys(event.entry.logs));
    };
    await train(task, { ...options, report });
    expect(Object.fromEntries(logged)).toEqual({
      2: ["loss", "size"],
      3: ["loss", "size", "looked"],
      4: ["loss", "size"],
      6: ["loss", "size", "looked"],
    });
  });
});
