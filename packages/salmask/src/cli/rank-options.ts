/** The options of commands that can train in several processes. */
import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import type { ComputeSettings } from "../compute/settings.js";
import { ownGpu, type Place, placeIn } from "../ranks/environment.js";
import { alone, type Membership } from "../ranks/membership.js";
import { oneRank, type Ranks } from "../ranks/ranks.js";
import { begin, type Context, countOption, type Options, secondsOption } from "./command.js";
import type { Output } from "./output.js";

const usualTimeout = "10m";

/** Adds `--processes`, `--max-restarts` and `--rank-timeout`. */
export function withRankOptions(made: Command): Command {
  return made
    .option("--processes <n>", "train in n processes on this machine, each on its part of every batch")
    .option(
      "--max-restarts <n>",
      "with --processes: how often all are started again from the last checkpoint when one fails (default: 0)",
    )
    .option(
      "--rank-timeout <duration>",
      `with several processes: how long one waits for another, as 90s or 10m (default: ${usualTimeout})`,
    );
}

/**
 * Starts the processes that `--processes` asks for, waits for them, and returns null. Otherwise returns how this process joins the group
 * that it was started in; without one it is alone. Call it before the engine is loaded. Throws {@link UsageError}.
 */
export async function startRanks(
  context: Context,
  options: Options,
  output: Output,
): Promise<(() => Promise<Membership>) | null> {
  const processes = options.processes === undefined ? null : countOption(options, "processes", 1);
  const maxRestarts = countOption(options, "maxRestarts", 0, { least: 0 });
  const timeoutSeconds = secondsOption(options, "rankTimeout", usualTimeout);
  const place = processes === 1 ? null : placeIn(process.env);
  refuse({ processes, place, options });
  if (processes !== null && processes > 1 && place === null) {
    const { launch } = await begin(context, import("./launch.js"));
    const { argv, streams, signal } = context;
    const isJson = options.json === true;
    context.exitCode = await launch({ argv, processes, maxRestarts, isJson, streams, signal });
    return null;
  }
  if (place === null) return async () => alone;
  process.env.CUDA_VISIBLE_DEVICES = ownGpu(place, process.env);
  if (place.rank > 0) output.hush();
  return async () => {
    const { joinRanks } = await begin(context, import("../ranks/join.js"));
    return joinRanks(place, timeoutSeconds);
  };
}

/** For training with these settings. */
export async function ranksFor(
  membership: Membership,
  settings: Pick<ComputeSettings, "device" | "precision">,
): Promise<Ranks> {
  if (membership === alone) return oneRank;
  const { computeOf } = await import("../compute/compute.js");
  return membership.ranksOn(computeOf(settings).device);
}

interface Asked {
  readonly processes: number | null;
  readonly place: Place | null;
  readonly options: Options;
}

function refuse({ processes, place, options }: Asked): void {
  if (place !== null && processes !== null && processes !== place.worldSize) {
    throw new UsageError(
      "started-twice",
      `Expected no --processes where the environment says that there are ${place.worldSize} processes, got ${processes}. ` +
        "Leave it out, or unset RANK and WORLD_SIZE.",
    );
  }
  if (options.maxRestarts !== undefined && processes === null) {
    throw new UsageError(
      "no-effect",
      "Expected --processes beside --max-restarts, got none. Give it, or let torchrun start the processes with its --max-restarts.",
    );
  }
  if (options.dryRun === true && ((processes ?? 1) > 1 || place !== null)) {
    throw new UsageError("no-effect", "Expected one process for --dry-run, got several. Give --processes 1.");
  }
}
