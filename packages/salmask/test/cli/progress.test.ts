import { describe, expect, it } from "vitest";
import { duration, progressLine } from "../../src/cli/progress.js";
import { StageClock } from "../../src/training/stage-clock.js";

describe("duration", () => {
  it.each([
    [0, "0s"],
    [59.6, "1m00s"],
    [95, "1m35s"],
    [3599, "59m59s"],
    [4020, "1h07m"],
  ])("says %d seconds as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe("progressLine", () => {
  const metrics = {
    ...{
      epoch: 1,
      step: 30,
      loss: 4.5,
      contrastAccuracy: 0.25,
      lr: 0.03,
      queueFill: 0.5,
      imagesPerSecond: 100,
    },
    ...{ maskedShare: 0.15, foregroundShare: 0.7, allForegroundShare: 0 },
    ...{ embedding: null, branchVariance: null, agreement: null },
    seconds: new StageClock().seconds,
  };
  const run = { epochs: 4, stepsPerEpoch: 20, batchSize: 10 };

  it("holds all that a user asks for, and the time that the rest will take at this speed", () => {
    const line = progressLine(metrics, run);
    for (const part of [
      "epoch 2/4",
      "loss 4.500",
      "contrast 25%",
      "queue 50%",
      "foreground 70%",
      "100 img/s",
      "5s left",
    ]) {
      expect(line).toContain(part);
    }
  });

  it("says how much is masked where nothing says where the object is", () => {
    expect(progressLine({ ...metrics, foregroundShare: null }, run)).toContain("masked 15%");
  });

  it("says so while nothing is masked", () => {
    const unmasked = { ...metrics, foregroundShare: null, maskedShare: 0 };
    expect(progressLine(unmasked, run)).toContain("unmasked");
  });
});
