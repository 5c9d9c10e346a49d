import { join } from "node:path";
import type { Command } from "commander";
import { type MeasureName, measureNames } from "../analysis/measures/registry.js";
import type { PhotosFrom } from "../analysis/photos.js";
import { InterruptedError, UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import {
  begin,
  type Context,
  command,
  countOption,
  type Options,
  textOption,
  withExamples,
} from "./command.js";

export function analyseCommand(context: Context): Command {
  const made = command(context, async (runs, options, output) => {
    const out = textOption(options, "out") ?? "runs/analysis";
    const only = onlyOf(options);
    const seed = countOption(options, "seed", 0, { least: 0 });
    const counts = { train: countOption(options, "train", 2000), test: countOption(options, "test", 500) };
    refuseBoth(options);
    const [{ analyse }, { encodersOf, photosKnownTo }, { numbersOf, writeAnalysis }, { analysisPage }] =
      await begin(
        context,
        Promise.all([
          import("../analysis/analyse.js"),
          import("./analyse-given.js"),
          import("../report/analysis-report.js"),
          import("../report/analysis-page.js"),
        ]),
      );
    const encoders = encodersOf(runs);
    const photos = photosOf(options, out) ?? photosKnownTo(encoders, output.report);
    let written = 0;
    const analysis = await analyse({
      encoders,
      random: options.random !== false,
      photos: photos ?? embeddedIn(out),
      counts,
      only,
      seed,
      skipBad: options.skipBad === true,
      cache: textOption(options, "cache"),
      signal: context.signal,
      report: output.report,
      onMeasured: async (soFar) => {
        await writeAnalysis(out, soFar);
        written = soFar.outcomes.length;
      },
    }).catch((error: unknown) => {
      if (!(error instanceof InterruptedError) || written === 0) throw error;
      throw new InterruptedError(
        `Stopped. ${join(out, "analysis.md")} holds the measures that are finished; the same command starts anew.`,
      );
    });
    output.result({ out, ...numbersOf(analysis) }, [
      "",
      analysisPage(analysis, new Map()),
      `${join(out, "analysis.md")} shows plots and pictures too; analysis.json beside it has all numbers`,
    ]);
  })
    .argument("<runs...>", "encoders, as RUN or NAME=RUN: a run's folder, or a safetensors file of weights")
    .option(
      "--photos <dir>",
      "a data set with classes or with objects, or a folder of photos (default: the photos that a run was last probed on, else the embedded set)",
    )
    .option("--embedded", "the embedded set, whatever photos runs were probed on")
    .option(
      "--masks <folder>",
      "NAME.png for each scored photo NAME, white on the object (default: masks in the folder of --photos, where it is there)",
    )
    .option("--only <list>", `some of ${measureNames.join(", ")} (default: all that the photos allow)`)
    .option("--out <folder>", "takes analysis.md, analysis.json, plots and pictures", "runs/analysis")
    .option("--train <n>", "photos that probes learn from, at most", "2000")
    .option("--test <n>", "photos that are scored, at most", "500")
    .option("--seed <n>", "of untrained encoders, the embedded set, and all that is drawn", "0")
    .option("--no-random", "leave out random initialisation")
    .option("--skip-bad", "leave out what is wrong with a set instead of refusing it")
    .option("--cache <folder>", "folder of the packed photos");
  return withExamples(
    made,
    "analyse runs/pretrain",
    "analyse plain=runs/plain masked=runs/masked --photos imagenette-128 --only cka,confusion,robustness",
    "analyse runs/pretrain --photos photos --masks masks --only grad-cam,backgrounds",
  );
}

const embeddedIn = (out: string): PhotosFrom => ({ kind: "embedded", folder: join(out, ".embedded") });

/** The photos that options name; null where they name none. */
function photosOf(options: Options, out: string): PhotosFrom | null {
  if (options.embedded === true) return embeddedIn(out);
  const path = textOption(options, "photos");
  return path === undefined ? null : { kind: "folder", path, masks: textOption(options, "masks") ?? null };
}

/** Throws {@link UsageError} `bad-option` where options contradict each other. */
function refuseBoth(options: Options): void {
  const photos = textOption(options, "photos");
  if (options.embedded === true && photos !== undefined)
    throw new UsageError("bad-option", `Expected --photos or --embedded, got both.`);
  if (photos === undefined && textOption(options, "masks") !== undefined)
    throw new UsageError("bad-option", "Expected --photos beside --masks, whose masks they are, got none.");
}

function onlyOf(options: Options): MeasureName[] | undefined {
  return textOption(options, "only")
    ?.split(",")
    .map((text) => {
      const found = measureNames.find((name) => name === text.trim());
      if (found !== undefined) return found;
      throw new UsageError(
        "bad-option",
        `Expected some of ${measureNames.join(", ")} for --only, got ${shown(text)}.`,
      );
    });
}
