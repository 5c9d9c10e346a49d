import { describe, expect, it } from "vitest";
import type { LogEntry, RunEvent } from "../../src/base/events.js";
import { mapStages } from "../../src/base/stage-clock.js";
import { logLine, renderer } from "../../src/cli/render.js";

/** A screen whose clock the test sets; bars are recorded as `~text`. */
function screen(isTerminal: boolean, ifLong: string | null = null) {
  const said: string[] = [];
  const clock = { now: 0 };
  const line = (text: string) => void said.push(text);
  const bar = isTerminal ? (text: string) => void said.push(`~${text}`) : null;
  const report = renderer({ line, bar, now: () => clock.now }, ifLong);
  /** Reports an event at a given second. */
  const at = (second: number, event: RunEvent) => {
    clock.now = second;
    report(event);
  };
  return { said, at };
}

const decoded = (done: number, total: number | null = 3000): RunEvent => ({
  kind: "progress",
  what: "decoding",
  done,
  total,
});

describe("renderer", () => {
  it("writes a line every few seconds into a file, with rate and time left", () => {
    const { said, at } = screen(false);
    for (let done = 0; done <= 3000; done++) at(done / 100, decoded(done));
    expect(said[0]).toBe("decoding: 500 of 3000  100 per second, 25s left");
    expect(said).toHaveLength(6);
    expect(said.at(-1)).toBe("decoding: 3000 of 3000");
  });

  it("writes fewer lines into a file the longer the work takes", () => {
    const { said, at } = screen(false);
    for (let second = 0; second < 3600; second++) at(second, decoded(second, 10_000));
    // Every 5 seconds of the first 50, then whenever the time is a tenth longer.
    expect(said.length).toBeGreaterThan(40);
    expect(said.length).toBeLessThan(60);
  });

  it("moves a bar on a terminal, at most ten times a second, and ends it with a line", () => {
    const { said, at } = screen(true);
    for (let done = 0; done <= 3000; done++) at(done / 1000, decoded(done));
    const bars = said.filter((text) => text.startsWith("~"));
    expect(bars.length).toBeGreaterThan(20);
    expect(bars.length).toBeLessThan(35);
    expect(said.at(-1)).toBe("decoding: 3000 of 3000");
  });

  it("prints nothing for work of less than a second, and counts without a known total", () => {
    const quick = screen(false);
    for (let done = 0; done <= 10; done++) quick.at(done / 100, decoded(done, 10));
    expect(quick.said).toEqual([]);
    const open = screen(false);
    open.at(0, decoded(0, null));
    open.at(6, decoded(600, null));
    expect(open.said).toEqual(["decoding: 600"]);
  });

  it("prints the plan, and after the second step the estimated time", () => {
    const begin: RunEvent = { kind: "begin", step: 0, steps: 20, stepsPerEpoch: 5, epochs: 4, batchSize: 10 };
    const step = (step: number, seconds: number, steps = 20): RunEvent => ({
      kind: "step",
      step,
      steps,
      seconds,
    });
    const { said, at } = screen(false);
    at(0, begin);
    at(1, step(1, 9));
    at(2, step(2, 0.5));
    at(3, step(3, 0.5));
    expect(said).toEqual([
      "training: 4 epochs of 5 steps, 10 photos per step: 20 steps",
      "a step takes 0.50 s (20 photos per second): about 9s left",
    ]);
    for (const ifLong of ["that is long", null]) {
      const slow = screen(false, ifLong);
      slow.at(0, { ...begin, steps: 4600 });
      slow.at(1, step(1, 60));
      slow.at(2, step(2, 60, 4600));
      expect(slow.said.slice(1)).toEqual([
        expect.stringContaining("about 76h38m left"),
        ...(ifLong === null ? [] : [ifLong]),
      ]);
    }
  });

  const begin: RunEvent = {
    kind: "begin",
    step: 0,
    steps: 1000,
    stepsPerEpoch: 5,
    epochs: 200,
    batchSize: 10,
  };
  const step = (done: number, seconds: number): RunEvent => ({
    kind: "step",
    step: done,
    steps: 1000,
    seconds,
  });

  it("writes only lines to a file, and none for a step", () => {
    const { said, at } = screen(false);
    at(0, begin);
    for (let done = 1; done <= 1000; done++) at(done, step(done, 1));
    expect(said).toHaveLength(2);
  });

  it("moves a bar from step to step on a terminal, at most ten times a second, below the plan", () => {
    const { said, at } = screen(true);
    at(0, begin);
    for (let done = 1; done <= 200; done++) at(1 + done / 100, step(done, 0.01));
    const bars = said.filter((text) => text.startsWith("~"));
    expect(bars[0]).toBe("~[--------------------] step 1 of 1000");
    expect(bars.at(-1)).toMatch(/^~\[#{3,4}-{16,17}\] step \d+ of 1000 {2}8s left$/);
    expect(bars.length).toBeGreaterThan(15);
    expect(bars.length).toBeLessThan(25);
    const plan = said.findIndex((text) => text.startsWith("a step takes"));
    expect(plan).toBeLessThan(said.indexOf(bars[1]));
    expect(said.filter((text) => !text.startsWith("~"))).toHaveLength(2);
  });

  it("says of each cell of a table what came out, and how long the rest takes", () => {
    const { said, at } = screen(false);
    const cell = { kind: "cell", name: "CIFAR-10, probe, a, seed 0", total: 4 } as const;
    at(0, { ...cell, state: "begun", outcome: "", done: 0, left: null });
    at(1, { ...cell, state: "done", outcome: "kNN 50.0 %", done: 1, left: 90 });
    at(2, { ...cell, state: "failed", outcome: "no room", done: 2, left: null });
    at(3, { ...cell, state: "reused", outcome: "kNN 50.0 %", done: 4, left: 0 });
    expect(said).toEqual([
      "1 of 4  CIFAR-10, probe, a, seed 0: kNN 50.0 %  about 1m30s left",
      "2 of 4  CIFAR-10, probe, a, seed 0: failed: no room",
      "4 of 4  CIFAR-10, probe, a, seed 0: kNN 50.0 % (done before)",
    ]);
  });

  it("estimates the rest of a resumed run, and calls less than an hour not long", () => {
    const { said, at } = screen(false, "that is long");
    at(0, { ...begin, step: 900 });
    at(1, step(901, 30));
    at(2, step(902, 30));
    expect(said).toEqual([
      "training: 200 epochs of 5 steps, 10 photos per step: 1000 steps, 100 left",
      "a step takes 30 s (0 photos per second): about 49m00s left",
    ]);
    at(3, { ...begin, step: 0 });
    at(4, step(1, 30));
    at(5, step(2, 30));
    expect(said.slice(3).join(" ")).toMatch(/about 8h19m left that is long$/);
  });

  it("restarts the count when a new phase begins, also one with the same name", () => {
    const { said, at } = screen(false);
    at(0, decoded(0, 10));
    at(6, decoded(10, 10));
    at(100, decoded(0, 10));
    at(106, decoded(6, 10));
    expect(said).toEqual(["decoding: 10 of 10", "decoding: 6 of 10  1 per second, 4s left"]);
  });

  it("prints nothing for a checkpoint, and a note unchanged", () => {
    const { said, at } = screen(false);
    at(0, { kind: "checkpoint", step: 3, path: "a" });
    at(0, { kind: "note", message: "going on after step 3" });
    expect(said).toEqual(["going on after step 3"]);
  });

  it("marks a warning as a warning", () => {
    const { said, at } = screen(false);
    at(0, { kind: "warning", code: "large-queue", message: "the queue is large" });
    expect(said).toEqual(["warning: the queue is large"]);
  });
});

describe("logLine", () => {
  const run = { steps: 80, epochs: 4, left: 5 };
  const entry = (logs: Record<string, number>): LogEntry => ({
    epoch: 1,
    step: 30,
    time: null,
    lr: 0.03,
    imagesPerSecond: 100,
    seconds: null,
    logs,
  });

  it("contains everything that a user needs", () => {
    const logs = {
      loss: 4.5,
      contrastAccuracy: 0.25,
      queueFill: 0.5,
      maskedShare: 0.15,
      foregroundShare: 0.7,
    };
    expect(logLine(entry(logs), run).split("  ")).toEqual([
      ...["epoch 2/4", "step 30/80", "loss 4.500", "contrast 25 %", "queue 50 %"],
      ...["masked 15 %", "foreground 70 %", "100 photos/s", "5s left"],
    ]);
  });

  it("has a kNN score with what it cost", () => {
    const seconds = { ...mapStages(() => 0), knn: 2.34 };
    expect(logLine({ ...entry({ knn: 0.54 }), seconds }, run)).toContain("  kNN 54.0 % in 2.3s  ");
    expect(logLine({ ...entry({ knn: 0.54 }), seconds: { ...seconds, knn: 95 } }, run)).toContain("in 1m35s");
  });

  it("says if nothing is masked, and leaves out numbers that a task does not log", () => {
    expect(logLine(entry({ maskedShare: 0 }), run)).toContain("unmasked");
    expect(logLine(entry({}), run)).toBe("epoch 2/4  step 30/80  100 photos/s  5s left");
  });
});
