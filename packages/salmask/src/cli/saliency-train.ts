import type { Command } from "commander";
import { duration } from "../base/format.js";
import { localizerDefaults } from "../tasks/localize/settings.js";
import { begin, type Context, command, countOption, requiredText, withExamples } from "./command.js";

export function saliencyTrainCommand(context: Context): Command {
  const made = command(context, async ([photos], options, output) => {
    const settings = {
      seed: countOption(options, "seed", localizerDefaults.seed, 0),
      epochs: countOption(options, "epochs", localizerDefaults.epochs),
      crop: countOption(options, "crop", localizerDefaults.crop),
      width: countOption(options, "width", localizerDefaults.width),
      batchSize: countOption(options, "batchSize", localizerDefaults.batchSize),
      threads: options.threads === undefined ? undefined : countOption(options, "threads", 1),
    };
    const { trainLocalizer } = await begin(context, import("../tasks/localize/localizer.js"));
    const summary = await trainLocalizer({
      ...settings,
      photos,
      out: requiredText(options, "out"),
      signal: context.signal,
      report: output.report,
    });
    output.result(summary, [
      `done: ${summary.epochs} epochs of ${summary.images} photos in ${duration(summary.seconds)}`,
      `weights: ${summary.weights}`,
      `next: salmask saliency eval PHOTOS --masks MASKS --saliency.weights ${summary.weights}`,
    ]);
  })
    .name("train")
    .description(
      "Train a small network that finds objects, from photos without labels; its weights go to --saliency.weights.",
    )
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .option("--out <file>", "the safetensors to write", "localizer.safetensors")
    .option("--seed <n>", "names every random decision", String(localizerDefaults.seed))
    .option("--epochs <n>", "passes over the photos", String(localizerDefaults.epochs))
    .option("--crop <n>", "side of the crops in pixels, a multiple of 8", String(localizerDefaults.crop))
    .option("--width <n>", "channels of the first stage", String(localizerDefaults.width))
    .option("--batch-size <n>", "photos of a step", String(localizerDefaults.batchSize))
    .option("--threads <n>", "threads of one operator; default: all cores");
  return withExamples(
    made,
    "saliency train photos",
    "saliency train photos --epochs 8 --crop 128 --out mine.safetensors",
  );
}
