import { Command } from "commander";
import { UsageError } from "../base/errors.js";
import { duration } from "../base/format.js";
import type { DetectSummary } from "../runs/records.js";
import type { DetectConfig } from "../tasks/detect/settings.js";
import {
  begin,
  type Context,
  command,
  countOption,
  type Options,
  requiredText,
  textOption,
  withExamples,
} from "./command.js";
import { ranksFor, startRanks, withRankOptions } from "./rank-options.js";
import { runOptions, withRunOptions } from "./run-options.js";
import { type Offered, settingsReader, withSettingsOf } from "./settings-options.js";

const offered: Offered<DetectConfig> = {
  name: "detect",
  load: async () => (await import("../tasks/detect/settings.js")).detectSettings,
  shortNames: {
    "train.epochs": "epochs",
    "train.steps": "steps",
    "train.batchSize": "batchSize",
    "train.lr": "lr",
    "detection.masks": "masks",
    "detection.design": "design",
    "detection.shortSides": "shortSides",
  },
};

export function detectCommand(context: Context): Command {
  return new Command()
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err })
    .addCommand(trainCommand(context))
    .addCommand(evalCommand(context))
    .addCommand(predictCommand(context));
}

/** Adds the set, and how it is read; `part` says which of its parts is taken. */
function withSet(made: Command, part: string): Command {
  return made
    .argument("<photos>", "a set in COCO's or PASCAL VOC's layout")
    .option("--split <name>", part)
    .option("--skip-bad", "leave out annotations with faults, and count them");
}

/** The values of the options that {@link withSet} adds. */
function splitOptions(options: Options): { split: string | undefined; skipBad: boolean } {
  return { split: textOption(options, "split"), skipBad: options.skipBad === true };
}

function trainCommand(context: Context): Command {
  const made = command(context, async ([encoder, folder], options, output) => {
    const { split, skipBad } = splitOptions(options);
    const { out, resume, tensorboard, isDryRun } = await runOptions(options);
    const join = await startRanks(context, options, output);
    if (join === null) return;
    using membership = await join();
    const settingsFrom = await settingsReader(offered);
    const config = settingsFrom(options, { command: "detect train" });
    const { trainOnSet, planOnSet } = await begin(context, import("./detect-run.js"));
    const { signal } = context;
    const given = { encoder, folder, split, skipBad, out, config, resume, signal, report: output.report };
    if (isDryRun) {
      const plan = await planOnSet(given);
      const { detectPlanLines } = await import("./plan-lines.js");
      return output.result(plan, detectPlanLines(plan));
    }
    const summary = await trainOnSet({ ...given, tensorboard, ranks: await ranksFor(membership, config) });
    output.result(summary, trainLines(summary));
  })
    .name("train")
    .description("Train a detector on photos with boxes or masks of objects, from an encoder.")
    .argument("<encoder>", "a run's folder, or a safetensors file of an encoder's weights");
  withSet(made, "the part to learn from, or several: a,b; default: the set's own for training");
  withRunOptions(made, "runs/detect");
  withRankOptions(made);
  withSettingsOf(made, offered);
  return withExamples(
    made,
    "detect train runs/pretrain coco --masks true",
    'detect train runs/pretrain VOCdevkit --preset voc --split "VOC2007 trainval,VOC2012 trainval"',
    "detect train runs/pretrain photos --preset small --steps 1000 --short-sides 128",
  );
}

function trainLines({
  run,
  images,
  objects,
  epochs,
  steps,
  seconds,
  weights,
  photos,
}: DetectSummary): string[] {
  return [
    `done: ${images} photos with ${objects} objects, ${epochs} epochs, ${steps} steps in ${duration(seconds)}`,
    `weights: ${weights}`,
    `next: salmask detect eval ${run} ${photos}`,
  ];
}

/** The score from which an object is drawn. */
function leastScore(options: Options): number {
  const text = requiredText(options, "score");
  const score = Number(text);
  if (text.trim() !== "" && score >= 0 && score <= 1) return score;
  throw new UsageError(
    "bad-option",
    `Expected a number from 0 to 1 for --score, got ${JSON.stringify(text)}.`,
  );
}

function evalCommand(context: Context): Command {
  const made = command(context, async ([run, folder], options, output) => {
    const pictures = { folder: textOption(options, "pictures"), count: countOption(options, "count", 16) };
    const score = leastScore(options);
    const { split, skipBad } = splitOptions(options);
    const { scoreOnSet } = await begin(context, import("./detect-run.js"));
    const scored = await scoreOnSet({
      run,
      folder,
      split,
      skipBad,
      results: textOption(options, "results"),
      pictures,
      score,
      signal: context.signal,
      report: output.report,
    });
    output.result(scored, scored.lines);
  })
    .name("eval")
    .description("Score a detector on photos whose objects are known: COCO's AP and AR, VOC's AP.")
    .argument("<run>", "a run's folder, or a safetensors file of a detector's weights");
  withSet(made, "the part to score on; default: the set's own for validation, else for testing")
    .option("--results <file>", "write the detections as COCO's JSON for results")
    .option("--pictures <folder>", "draw photos with what was found, and the truth beside it")
    .option("--count <n>", "photos to draw", "16")
    .option("--score <x>", "score from which an object is drawn", "0.5");
  return withExamples(
    made,
    "detect eval runs/detect coco",
    "detect eval runs/detect VOCdevkit --split test --pictures found --results found.json",
  );
}

function predictCommand(context: Context): Command {
  const made = command(context, async ([run, photos], options, output) => {
    const score = leastScore(options);
    const { predictPhotos } = await begin(context, import("./detect-predict.js"));
    const predicted = await predictPhotos({
      run,
      photos,
      out: requiredText(options, "out"),
      score,
      signal: context.signal,
      report: output.report,
    });
    output.result(predicted, [
      `${predicted.objects} objects in ${predicted.photos} photos`,
      `pictures: ${predicted.pictures}`,
      `detections: ${predicted.results}`,
    ]);
  })
    .name("predict")
    .description("Find objects in photos: pictures with boxes, masks, names and scores, and COCO's JSON.")
    .argument("<run>", "a run's folder, or a safetensors file of a detector's weights")
    .argument("<photos>", "folder of photos")
    .option("--out <folder>", "where pictures and detections.json go", "detections")
    .option("--score <x>", "score from which an object is kept", "0.5");
  return withExamples(made, "detect predict runs/detect photos --out found");
}
