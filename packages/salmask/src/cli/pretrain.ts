import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import { duration, percent } from "../base/format.js";
import type { RunConfig } from "../config/schema.js";
import type { PretrainSummary } from "../runs/records.js";
import type { RecipeSettings } from "../tasks/pretrain/recipe.js";
import {
  begin,
  type Context,
  command,
  type Options,
  secondsOption,
  textOption,
  withExamples,
} from "./command.js";
import type { Output } from "./output.js";
import { ranksFor, startRanks, withRankOptions } from "./rank-options.js";
import { type RunOptions, runOptions, withRunOptions } from "./run-options.js";
import { choosesLearning, configReader, withSettings } from "./settings-options.js";

const usualTime = "10m";

export function pretrainCommand(context: Context): Command {
  const made = command(context, async ([photos], options, output) => {
    const { out, resume, tensorboard, isDryRun } = await runOptions(options);
    const join = await startRanks(context, options, output);
    if (join === null) return;
    using membership = await join();
    // What fits a time is measured, and must not differ between processes.
    const { config, ifLong } = await membership.ranks.onFirst(() =>
      chooseConfig({ context, photos, out, resume, isDryRun }, options, output),
    );
    if (isDryRun) {
      const { planPretraining } = await begin(context, import("../tasks/pretrain/plan.js"));
      const plan = await planPretraining({ photos, out, config, resume, signal: context.signal });
      const { pretrainPlanLines } = await import("./plan-lines.js");
      return output.result(plan, pretrainPlanLines(plan));
    }
    const { pretrain } = await begin(context, import("../tasks/pretrain/pretrain.js"));
    const summary = await pretrain({
      photos,
      out,
      config,
      resume,
      tensorboard,
      ranks: await ranksFor(membership, config),
      signal: context.signal,
      report: output.reporter(ifLong),
    });
    output.result(summary, resultLines(summary));
  }).argument(
    "<photos>",
    "folder, .tar or .tar.gz of photos; or shards: a folder of .tar files, a .txt with their paths or addresses, or paths or addresses with {000..099}",
  );
  withRunOptions(made, "runs/pretrain").option(
    "--time <duration>",
    `time to train in, as 90s, 10m or 2h: settings that are not given are chosen for it, the photos and this machine (default where none is given: ${usualTime})`,
  );
  withRankOptions(made);
  withSettings(made);
  return withExamples(
    made,
    "pretrain photos --time 10m",
    "pretrain photos --preset paper --out runs/paper",
    "pretrain photos --config run.yaml --mask.ratio 0.1,0.4",
    "pretrain photos --out runs/mine --resume",
    "pretrain photos --preset paper --processes 4 --max-restarts 3",
  );
}

interface Asked extends Pick<RunOptions, "out" | "resume" | "isDryRun"> {
  readonly context: Context;
  readonly photos: string;
}

interface Chosen {
  readonly config: RunConfig;
  /** Says what chose the settings, and what else could, where training takes long. */
  readonly ifLong: string;
}

const shorter = "salmask pretrain PHOTOS --time 10m chooses settings that fit a time";

/**
 * The settings for a command line. A resumed run keeps its own settings. Otherwise, if no option affects learning or if
 * a time is given, a recipe for these photos, this machine and this time is the base. A file or a preset replaces both.
 * Options override all of them.
 */
async function chooseConfig(
  { context, photos, out, resume, isDryRun }: Asked,
  options: Options,
  output: Output,
): Promise<Chosen> {
  const seconds = secondsOption(options, "time", usualTime);
  const configOf = await configReader();
  const named = ["preset", "config"].flatMap((name) => {
    const value = textOption(options, name);
    return value === undefined ? [] : [`--${name} ${value}`];
  });
  if (named.length > 0 && options.time !== undefined) {
    throw new UsageError(
      "time-and-settings",
      "Expected --time, or settings by --config or --preset, got both. Leave one out: --time chooses settings.",
    );
  }
  if (named.length > 0) {
    const ifLong = `that is long for this machine, with the settings of ${named.join(" and ")}; ${shorter}`;
    return { config: configOf(options), ifLong };
  }
  if (resume !== false) {
    if (options.time !== undefined) {
      throw new UsageError(
        "no-effect",
        "Expected no --time beside --resume, which keeps the run's own settings, got both. Leave --time out.",
      );
    }
    const { RunFolder } = await import("../runs/run-folder.js");
    const folder = new RunFolder(out);
    const config = configOf(options, folder.hasConfig ? { base: { ...folder.readConfig() } } : {});
    return { config, ifLong: "that is long for this machine; a resumed run keeps its settings" };
  }
  if (options.time === undefined && choosesLearning(options)) {
    output.line(
      "Settings that are not given are the paper's. With --time 10m the rest is chosen for your photos.",
    );
    const ifLong = `that is long for this machine, with the paper's settings where none are given; ${shorter}`;
    return { config: configOf(options), ifLong };
  }
  // Rejects wrong options before anything is measured.
  const { device, precision, threads, data } = configOf(options);
  const { recipeFor } = await begin(context, import("../tasks/pretrain/recipe-for.js"));
  const { signal } = context;
  const settle = (base: RecipeSettings) => configOf(options, { base: { ...base } });
  const recipe = await recipeFor({
    ...{ photos, cacheDir: data.cache, out, seconds, settle },
    ...{ device, precision, threads, signal },
  });
  for (const line of recipe.why) output.line(line);
  if (!isDryRun)
    output.line(`These settings go to ${out}/config.yaml; copy, change and give them by --config.`);
  const ifLong = `settings that are not given were chosen for ${duration(seconds)}`;
  return { config: recipe.settings, ifLong };
}

function resultLines({ run, steps, stepsHere, seconds, weights, classes }: PretrainSummary): string[] {
  const isBehind =
    classes !== null &&
    (classes.knn.top1 < classes.knn.randomTop1 || classes.linear.top1 < classes.linear.randomTop1);
  return [
    `done: ${stepsHere === steps ? "" : `${stepsHere} of `}${steps} steps in ${duration(seconds)}`,
    `weights: ${weights}`,
    ...(classes === null
      ? []
      : [
          `on these photos' classes, ${classes.photos} known and ${classes.scored} asked about:`,
          `  kNN     ${percent(classes.knn.top1, 1)}   untrained ${percent(classes.knn.randomTop1, 1)}`,
          `  linear  ${percent(classes.linear.top1, 1)}   untrained ${percent(classes.linear.randomTop1, 1)}`,
        ]),
    ...(isBehind ? [`The encoder is BELOW AN UNTRAINED ONE. What to change: salmask doctor ${run}`] : []),
    `next: salmask probe ${run} LABELLED-PHOTOS`,
  ];
}
