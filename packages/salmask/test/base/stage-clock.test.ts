import { describe, expect, it } from "vitest";
import { StageClock, stages } from "../../src/base/stage-clock.js";

const wait = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe("StageClock", () => {
  it("adds up each stage's time, also of failed calls, and returns the results", () => {
    const clock = new StageClock();
    expect(clock.in("forward", () => wait(5) ?? 7)).toBe(7);
    clock.in("forward", () => wait(5));
    expect(() =>
      clock.in("backward", () => {
        wait(3);
        throw new Error("no gradient");
      }),
    ).toThrow("no gradient");
    expect(clock.seconds.forward).toBeGreaterThanOrEqual(0.01);
    expect(clock.seconds.backward).toBeGreaterThanOrEqual(0.003);
    expect(stages.filter((stage) => clock.seconds[stage] > 0)).toEqual(["forward", "backward"]);
  });
});
