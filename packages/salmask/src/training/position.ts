/** The content of a checkpoint. */
import type { nn } from "@salmask/torch";
import { z } from "zod";

export const positionSchema = z.object({
  /** Number of completed steps over all epochs. */
  step: z.number().int().min(0),
  /** The task's numbers, such as the write position in the queue. */
  counters: z.record(z.string(), z.number()),
  /** Steps of each learner's optimizer, by the learner's name. */
  optimizerSteps: z.record(z.string(), z.number().int().min(0)),
  /** Identifies the photos of the run. */
  dataFingerprint: z.string(),
  /** The settings of the run, in their stored form. */
  config: z.unknown(),
  /** Duration of the run so far, over all its processes. */
  seconds: z.number().min(0),
  libtorch: z.string(),
});

/** The state of a run except its tensors. */
export interface Position extends z.infer<typeof positionSchema> {}

/** Disposing of it frees its tensors. */
export interface Checkpoint extends Disposable {
  readonly path: string;
  readonly position: Position;
  /** The task's tensors: weights, batch-norm statistics, queue, frozen networks. */
  readonly task: nn.StateDict;
  /** Each optimizer's tensors, by the learner's name. */
  readonly optimizers: Readonly<Record<string, nn.StateDict>>;
}
