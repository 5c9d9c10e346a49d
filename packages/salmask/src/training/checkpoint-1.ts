/** Reads checkpoints in the previous format, so that older runs can continue. */
import { createHash } from "node:crypto";
import type { nn, Tensor } from "@salmask/torch";
import { z } from "zod";
import { partOf } from "../models/state-dict.js";
import type { Checkpoint } from "./position.js";

export const earlierFormat = "salmask-checkpoint-1";

export const earlierPositionSchema = z.object({
  step: z.number().int().min(0),
  counters: z.record(z.string(), z.number()),
  optimizerSteps: z.number().int().min(0),
  dataFingerprint: z.string(),
  config: z.unknown(),
  libtorch: z.string(),
});

export type EarlierPosition = z.infer<typeof earlierPositionSchema>;

/** In that format there was one optimizer beside the method; ADIOS's second one was among the method's tensors. */
export function fromEarlier(
  earlier: EarlierPosition,
  tensors: nn.StateDict,
  sha256: string,
): Pick<Checkpoint, "position" | "task" | "optimizers"> {
  if (checksum(tensors) !== sha256) throw new Error("a checksum that does not match its content");
  const method = partOf(tensors, "method");
  const occlusion = partOf(method, "adversary.optimizer");
  const task = Object.fromEntries(
    Object.entries(method)
      .filter(([name]) => !name.startsWith("adversary.optimizer."))
      .map(([name, value]) => [name.replace(/^adversary\.model\./, "occlusion."), value]),
  );
  const hasOcclusion = Object.keys(task).some((name) => name.startsWith("occlusion."));
  const { optimizerSteps, step, ...rest } = earlier;
  return {
    position: {
      ...rest,
      step,
      seconds: 0,
      optimizerSteps: { encoder: optimizerSteps, ...(hasOcclusion ? { occlusion: step } : {}) },
    },
    task,
    optimizers: { encoder: partOf(tensors, "optimizer"), ...(hasOcclusion ? { occlusion } : {}) },
  };
}

function checksum(tensors: Readonly<Record<string, Tensor>>): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(tensors).sort()) {
    const data = tensors[name].toTypedArray();
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
