import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { duration } from "../base/format.js";
import { localizerDefaults, type Teacher, teachers } from "../tasks/localize/settings.js";
import { begin, type Context, command, countOption, requiredText, withExamples } from "./command.js";

export function saliencyTrainCommand(context: Context): Command {
  const made = command(context, async ([photos], options, output) => {
    const settings = {
      seed: countOption(options, "seed", localizerDefaults.seed, { least: 0 }),
      rounds: countOption(options, "rounds", localizerDefaults.rounds),
      epochs: countOption(options, "epochs", localizerDefaults.epochs),
      consensusPhotos: countOption(options, "consensusPhotos", localizerDefaults.consensusPhotos),
      teacher: teacherOf(options.teacher),
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
      resume: options.resume === true,
      signal: context.signal,
      report: output.report,
    });
    output.result(summary, [
      `done: ${summary.rounds} rounds of ${summary.epochs} epochs of ${summary.images} photos in ${duration(summary.seconds)}`,
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
    .option(
      "--rounds <n>",
      "how often it is trained; from the second time on by its own maps",
      String(localizerDefaults.rounds),
    )
    .option("--epochs <n>", "passes over the photos in a round", String(localizerDefaults.epochs))
    .option(
      "--teacher <name>",
      "what finds the objects to learn from: consensus or own; default: consensus in the first round, then own",
    )
    .option(
      "--consensus-photos <n>",
      "photos of a round with the teacher consensus, at most, as it takes long for each",
      String(localizerDefaults.consensusPhotos),
    )
    .option("--crop <n>", "side of the crops in pixels, a multiple of 32", String(localizerDefaults.crop))
    .option("--width <n>", "channels of the first stage", String(localizerDefaults.width))
    .option("--batch-size <n>", "photos of a step", String(localizerDefaults.batchSize))
    .option("--resume", "go on after the rounds that --out holds")
    .option("--threads <n>", "threads of one operator; default: all cores");
  return withExamples(
    made,
    "saliency train photos",
    "saliency train photos --epochs 8 --crop 128 --out mine.safetensors",
  );
}

function teacherOf(name: unknown): Teacher | undefined {
  const teacher = teachers.find((known) => known === name);
  if (name === undefined || teacher !== undefined) return teacher;
  throw new UsageError("bad-option", `Expected ${teachers.join(" or ")} for --teacher, got ${shown(name)}.`);
}
