import { scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/base/events.js";
import { listCheckpoints, loadCheckpoint } from "../../src/training/checkpoint.js";
import { restore, type TrainOptions, train } from "../../src/training/trainer.js";
import { checkpointsIn, epochs, failure, steps, stepsPerEpoch, usual } from "./plan.js";
import { Quadratic, type QuadraticOptions } from "./quadratic.js";

describe("a run that is interrupted", () => {
  const wandering: QuadraticOptions = { optimizer: { momentum: 0.9 }, wanders: true };

  /** Aborts as soon as the step is done. */
  function abortAt(step: number): Pick<TrainOptions, "signal" | "report"> {
    const abort = new AbortController();
    const report = (event: RunEvent) => {
      if (event.kind === "step" && event.step === step) abort.abort();
    };
    return { signal: abort.signal, report };
  }

  it.each(Array.from({ length: steps - 1 }, (_, i) => i + 1))(
    "writes a checkpoint after step %i, and ends where it would have",
    async (cut) => {
      using whole = new Quadratic(wandering);
      const { last } = await train(whole, usual);
      const checkpoints = await checkpointsIn();
      using first = new Quadratic(wandering);
      const error = await failure(train(first, { ...usual, checkpoints, ...abortAt(cut) }));
      const [path] = listCheckpoints(checkpoints.folder);
      expect(error).toMatchObject({ code: "interrupted", exitCode: 130 });
      expect(error.message).toContain(`step ${cut} of ${steps}`);
      expect(error.message).toContain(path);

      using second = new Quadratic({ ...wandering, start: [7, 7] });
      using checkpoint = loadCheckpoint(path);
      const resumed = restore(second, checkpoint);
      expect(resumed).toBe(cut);
      expect(checkpoint.position).toMatchObject({
        dataFingerprint: "photos",
        config: { seed: 1 },
        seconds: 2,
      });
      const end = await train(second, { ...usual, first: resumed, checkpoints });
      expect(second.at).toEqual(whole.at);
      expect(end).toMatchObject({ steps, last });
      const velocities = [whole, second].map(({ learners }) =>
        scope(() => learners[0].optimizer.stateDict().tensors["at.momentum_buffer"].toArray()),
      );
      expect(velocities[1]).toEqual(velocities[0]);
      // An epoch that had already begun does not begin again.
      const epochsBegun = second.calls.filter((call) => call.startsWith("epoch"));
      expect(epochsBegun).toHaveLength(epochs - Math.ceil(cut / stepsPerEpoch));
    },
  );

  it("says that nothing was written if it has no checkpoints", async () => {
    using task = new Quadratic();
    const error = await failure(train(task, { ...usual, ...abortAt(4) }));
    expect(error.code).toBe("interrupted");
    expect(error.message).toBe(
      "Stopped after step 4 of 12; nothing was written. The same command starts anew.",
    );
  });

  it("succeeds if the last step is already done", async () => {
    using task = new Quadratic();
    expect((await train(task, { ...usual, ...abortAt(steps) })).steps).toBe(steps);
  });
});
