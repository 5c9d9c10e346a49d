/** The options that commands share which train in a run's folder. */
import type { Command } from "commander";
import { restartsIn } from "../ranks/environment.js";
import { type Options, requiredText, textOption } from "./command.js";

/** What `--dry-run` does, for help. */
export const dryRunText = "try some steps, print the plan with the expected time, and write nothing";

/** Adds `--out` and `--resume`; `out` is the usual folder. */
export function withRunOptions(made: Command, out: string): Command {
  return made
    .option("--out <folder>", "the run's folder", out)
    .option(
      "--resume [checkpoint]",
      "go on from the newest checkpoint, or from the one given; auto: from the newest if there is one, else begin",
    )
    .option("--tensorboard", "also write event files for TensorBoard beside metrics.jsonl")
    .option("--dry-run", dryRunText);
}

export interface RunOptions {
  /** The run's folder. */
  readonly out: string;
  /** false starts anew; true goes on from the newest checkpoint, a path from that one. */
  readonly resume: boolean | string;
  readonly tensorboard: boolean;
  /** Only the plan is wanted. */
  readonly isDryRun: boolean;
}

/**
 * The values of the options that {@link withRunOptions} adds. A run that torchrun, Slurm or `--max-restarts` starts again goes on from
 * its newest checkpoint.
 */
export async function runOptions(options: Options): Promise<RunOptions> {
  const out = requiredText(options, "out");
  const resume = textOption(options, "resume") ?? options.resume === true;
  return {
    out,
    resume: resume === "auto" || restartsIn(process.env) > 0 ? await hasCheckpoints(out) : resume,
    tensorboard: options.tensorboard === true,
    isDryRun: options.dryRun === true,
  };
}

/** The engine, which reads checkpoints, is loaded only where this is asked. */
async function hasCheckpoints(out: string): Promise<boolean> {
  const { RunFolder } = await import("../runs/run-folder.js");
  return new RunFolder(out).hasCheckpoints;
}
