import { type Command, Option } from "commander";
import { type Difficulty, difficulties } from "../data/embedded/settings.js";
import {
  begin,
  type Context,
  command,
  countOption,
  type Options,
  textOption,
  withExamples,
} from "./command.js";

export function dataEmbeddedCommand(context: Context): Command {
  const made = command(context, async ([folder], options, output) => {
    const given = {
      seed: countOption(options, "seed", 0, { least: 0 }),
      train: countWhereGiven(options, "train", 1),
      test: countWhereGiven(options, "test", 0),
      size: countWhereGiven(options, "size", 1),
      classes: countWhereGiven(options, "classes", 1),
      difficulty: difficultyOf(options),
    };
    const drawing = { signal: context.signal, report: output.report };
    const summary =
      options.objects === true
        ? await (await begin(context, import("../data/embedded/generate-objects.js"))).generateObjects(
            folder,
            given,
            drawing,
          )
        : await (await begin(context, import("../data/embedded/generate.js"))).generateEmbedded(
            folder,
            given,
            drawing,
          );
    const { train, test, size } = summary.options;
    output.result(summary, [
      summary.generated
        ? `${train} and ${test} pictures of ${size} px in ${summary.folder}`
        : `${summary.folder} holds these pictures already`,
    ]);
  })
    .name("embedded")
    .description("Draw the set that needs no download: pictures with classes, masks and boxes.")
    .argument("<folder>", "where it goes; new, empty, or an embedded set to be replaced")
    .option("--objects", "several objects per picture, in COCO's layout, for detection")
    .option("--seed <n>", "names every random decision", "0")
    .option("--train <n>", "pictures to learn from")
    .option("--test <n>", "pictures to be scored on")
    .option("--size <n>", "their side in pixels")
    .option("--classes <n>", "kinds of objects")
    .addOption(new Option("--difficulty <name>", "how busy pictures are").choices(difficulties));
  return withExamples(
    made,
    "data embedded pictures",
    "data embedded scenes --objects --train 2000 --size 160",
  );
}

/** A count where it was given; else each set has its own default. */
const countWhereGiven = (options: Options, name: string, least: number): number | undefined =>
  options[name] === undefined ? undefined : countOption(options, name, least, { least });

function difficultyOf(options: Options): Difficulty | undefined {
  const text = textOption(options, "difficulty");
  return difficulties.find((name) => name === text);
}
