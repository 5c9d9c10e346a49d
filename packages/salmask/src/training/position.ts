/** What a checkpoint holds. */
import type { nn } from "@salmask/torch";
import { z } from "zod";

export const positionSchema = z.object({
  /** Steps done, over all epochs. */
  step: z.number().int().min(0),
  /** The task's numbers, such as where the queue is written next. */
  counters: z.record(z.string(), z.number()),
  /** Steps of each learner's optimizer, by its name. */
  optimizerSteps: z.record(z.string(), z.number().int().min(0)),
  /** Which photos the run saw. */
  dataFingerprint: z.string(),
  /** The settings of the run, as they were written down. */
  config: z.unknown(),
  /** That the run has taken so far, over all its processes. */
  seconds: z.number().min(0),
  libtorch: z.string(),
});

/** Where a run is, beside its tensors. */
export type Position = z.infer<typeof positionSchema>;

/** To dispose of it frees its tensors. */
export interface Checkpoint extends Disposable {
  readonly path: string;
  readonly position: Position;
  /** The task's tensors: weights, batch-norm statistics, queue, frozen networks. */
  readonly task: nn.StateDict;
  /** Each optimizer's tensors, by its learner's name. */
  readonly optimizers: Readonly<Record<string, nn.StateDict>>;
}
