/** Settings for the device and precision of a run. */
import { z } from "zod";
import { count } from "../base/setting-types.js";

export const computeSettings = {
  threads: z
    .union([z.literal("auto"), count(1, 1024)])
    .default("auto")
    .describe("threads of one operator; auto: all cores"),
  device: z
    .enum(["auto", "cpu", "cuda"])
    .default("auto")
    .describe("what computes; auto: a GPU where libtorch finds one (cuda), else the CPU"),
  precision: z
    .enum(["auto", "float32", "bfloat16"])
    .default("auto")
    .describe(
      "of the networks' products; weights stay float32; auto: bfloat16 on a GPU and on a CPU that multiplies it in hardware, else float32",
    ),
};

export type ComputeSettings = z.infer<z.ZodObject<typeof computeSettings>>;
