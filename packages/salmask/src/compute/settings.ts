/** Settings for the device and precision of a run. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const computeSettings = {
  threads: z
    .union([z.literal("auto"), count(1, 1024)])
    .default("auto")
    .describe("threads per operator; auto: all cores"),
  device: z
    .enum(["auto", "cpu", "cuda"])
    .default("auto")
    .describe("device; auto: a GPU if libtorch finds one (cuda), otherwise the CPU"),
  precision: z
    .enum(["auto", "float32", "bfloat16"])
    .default("auto")
    .describe(
      "precision of convolutions and matrix products; weights stay float32; auto: bfloat16 on a GPU and on a CPU that multiplies it in hardware, otherwise float32",
    ),
  deterministic: z
    .boolean()
    .default(true)
    .describe("cuda: the same bits each time, and after --resume; false is faster; on a CPU they always are"),
};

/** Settings of the device, the precision and the threads. */
export interface ComputeSettings extends z.infer<z.ZodObject<typeof computeSettings>> {}
