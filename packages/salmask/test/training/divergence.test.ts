import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { TrainingError } from "../../src/base/errors.js";
import type { RunEvent } from "../../src/base/events.js";
import { listCheckpoints, loadCheckpoint } from "../../src/training/checkpoint.js";
import { train } from "../../src/training/trainer.js";
import { checkpointsIn, failure, usual } from "./plan.js";
import { Quadratic } from "./quadratic.js";

describe("a run that diverges", () => {
  it("throws before a weight changes, with the step and the information that there is no checkpoint", async () => {
    using task = new Quadratic({ failsFrom: 2 });
    const at: number[][] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "step") at.push(task.at);
    };
    const error = await failure(train(task, { ...usual, checkpoints: await checkpointsIn(), report }));
    expect(error.code).toBe("loss-not-finite");
    expect(error.message).toContain("The loss of step 2 is NaN");
    expect(error.message).toContain("No checkpoint was written yet.");
    expect(at).toHaveLength(2);
    expect(task.at).toEqual(at[1]);
  });

  it("does not change its last checkpoint, and names it", async () => {
    const checkpoints = await checkpointsIn();
    using task = new Quadratic({ failsFrom: 7 });
    const bytes = new Map<string, Buffer>();
    const report = (event: RunEvent) => {
      if (event.kind === "checkpoint") bytes.set(event.path, readFileSync(event.path));
    };
    const error = await failure(train(task, { ...usual, checkpoints, report }));
    const [newest] = listCheckpoints(checkpoints.folder);
    expect(newest).toMatch(/step-000000006/);
    expect(error.message).toContain(`The last good checkpoint is ${newest}.`);
    expect(readFileSync(newest).equals(bytes.get(newest) ?? Buffer.alloc(0))).toBe(true);
    using checkpoint = loadCheckpoint(newest);
    expect(checkpoint.position.step).toBe(6);
  });

  it("names the checkpoint that an earlier process wrote", async () => {
    const checkpoints = await checkpointsIn();
    using good = new Quadratic();
    await train(good, { ...usual, epochs: 1, checkpoints });
    const [earlier] = listCheckpoints(checkpoints.folder);
    using task = new Quadratic({ failsFrom: 4 });
    const error = await failure(train(task, { ...usual, first: 3, checkpoints }));
    expect(error.message).toContain(`The last good checkpoint is ${earlier}.`);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("never writes a state with %s", async (value) => {
    const checkpoints = await checkpointsIn();
    using task = new Quadratic({ learner: { lr: ({ step }) => (step === 5 ? value : 0.1) } });
    const error = await failure(train(task, { ...usual, checkpoints }));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.code).toBe("state-not-finite");
    expect(error.message).toContain("at after step 6");
    const names = await readdir(checkpoints.folder);
    expect(names).toEqual(["step-000000003.safetensors"]);
    expect(error.message).toContain(`The last good checkpoint is ${checkpoints.folder}/${names[0]}`);
  });
});
