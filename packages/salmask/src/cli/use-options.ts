/** The options that commands share which use an encoder on photos. */
import { type Command, Option } from "commander";
import type { Compute } from "../compute/compute.js";
import { type Context, type Options, requiredText, textOption } from "./command.js";
import type { Output } from "./output.js";

/** Adds the argument `run`, `--device` and `--cache`. */
export function withUseOptions(made: Command): Command {
  return made
    .argument("<run>", "a run's folder, or a safetensors file of weights")
    .addOption(
      new Option("--device <name>", "where the encoder computes; auto: a GPU if there is one, else the CPU")
        .choices(["auto", "cpu", "cuda"])
        .default("auto"),
    )
    .option("--cache <folder>", "folder of the packed photos");
}

export interface UseOptions {
  readonly cache: string | undefined;
  readonly compute: Compute;
  readonly signal: AbortSignal;
  readonly report: Output["report"];
}

/** The values of the options that {@link withUseOptions} adds. Loads the engine; throws UsageError `no-cuda`. */
export async function useOptions(context: Context, options: Options, output: Output): Promise<UseOptions> {
  const { computeOf } = await import("../compute/compute.js");
  const named = requiredText(options, "device");
  const device = named === "cpu" || named === "cuda" ? named : "auto";
  return {
    cache: textOption(options, "cache"),
    compute: computeOf({ device, precision: "float32" }),
    signal: context.signal,
    report: output.report,
  };
}
