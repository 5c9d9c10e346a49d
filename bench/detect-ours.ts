/** `detect-ours.ts TASK`: our side of detect.ts, a training step of a detector on photos in memory. */
import { setNumThreads, tuneProcess } from "@salmask/torch";
import { StageClock } from "../packages/salmask/src/base/stage-clock.js";
import { onCpu } from "../packages/salmask/src/compute/compute.js";
import { keyedDecisions } from "../packages/salmask/src/detection/decisions.js";
import type { Sampler } from "../packages/salmask/src/detection/sampler.js";
import { lossWatch } from "../packages/salmask/src/training/loss-watch.js";
import { trainStep } from "../packages/salmask/src/training/step.js";
import type { Task } from "../packages/salmask/src/training/task.js";
import { answer } from "./answer-ours.js";
import type { SampledRegions } from "./detect.js";
import { type DetectorTask, openDetector } from "./detectors.js";

tuneProcess();
const asked: DetectorTask = JSON.parse(process.argv[2]);
setNumThreads(asked.threads);
const { task, config, ids, batch } = await openDetector(asked);
const losses = lossWatch(onCpu);

/** Of the last step. */
let sampled: SampledRegions = { regions: 0, objects: 0 };

const counted =
  (sampler: Sampler): Sampler =>
  (candidates, photo) => {
    const sample = sampler(candidates, photo);
    const { positives, negatives } = sample;
    sampled = {
      regions: sampled.regions + positives.length + negatives.length,
      objects: sampled.objects + positives.length,
    };
    return sample;
  };

const timed: Task<readonly (typeof batch)[]> = {
  batches: () => [ids],
  learners: task.learners,
  see(_, { step }) {
    const decisions = keyedDecisions(config.detection, { seed: config.seed, epoch: step, ids });
    sampled = { regions: 0, objects: 0 };
    return [{ ...batch, decisions: { ...decisions, proposals: counted(decisions.proposals) } }];
  },
  state: () => task.state(),
  loadState: (state) => task.loadState(state),
};

await answer({
  step(step) {
    const clock = new StageClock();
    trainStep(
      timed,
      ids,
      { step, epoch: step, stepsPerEpoch: 1, epochs: 1 },
      { logged: false, losses, clock },
    );
    return clock.seconds;
  },
  settle: () => losses.settle(),
  others: { sampled: () => sampled },
});
