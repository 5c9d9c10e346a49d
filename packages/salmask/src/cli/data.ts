import { Command, Option } from "commander";
import type { ObjectCounts, SetReport, SplitReport, Spread } from "../data/sets/check.js";
import { begin, type Context, command, countOption, textOption, withExamples } from "./command.js";
import { dataEmbeddedCommand } from "./data-embedded.js";

export function dataCommand(context: Context): Command {
  return new Command()
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err })
    .addCommand(checkCommand(context))
    .addCommand(dataEmbeddedCommand(context));
}

function checkCommand(context: Context): Command {
  const made = command(context, async ([folder], options, output) => {
    const seed = countOption(options, "seed", 0, { least: 0 });
    const subset = textOption(options, "subset") === undefined ? null : "imagenet-100";
    const { checkSet } = await begin(context, import("../data/sets/check.js"));
    const checked = await checkSet(folder, {
      photos: options.photos === true,
      seed,
      subset,
      signal: context.signal,
      report: output.report,
    });
    output.result(checked, linesOf(checked));
    if (checked.faults.total > 0) context.exitCode = 1;
  })
    .name("check")
    .description("Say what data set a folder is, what it holds, and what is wrong with it.")
    .argument(
      "<folder>",
      "class folders, ImageNet, CIFAR, STL-10, Caltech-101, Flowers-102, VOC's layout or COCO's",
    )
    .option("--photos", "read every photo's header too: finds unreadable photos and other sizes than said")
    .option("--seed <number>", "of a split that is drawn", "0")
    .addOption(
      new Option("--subset <name>", "of an ImageNet folder: these classes alone").choices(["imagenet-100"]),
    );
  return withExamples(made, "data check VOCdevkit", "data check coco --photos --json");
}

const grouped = (count: number) => count.toLocaleString("en-US");
const spreadOf = ({ least, median, most }: Spread) =>
  least === most ? grouped(least) : `${grouped(least)} to ${grouped(most)}, median ${grouped(median)}`;

function beside(count: number, official: number | null): string {
  if (official === null) return grouped(count);
  return count === official
    ? `${grouped(count)} (as published)`
    : `${grouped(count)} (published: ${grouped(official)})`;
}

/** What people read of a checked set. */
function linesOf({
  title,
  path,
  notes,
  classes,
  officialClasses,
  unlabelled,
  splits,
  faults,
}: SetReport): string[] {
  const total = faults.total;
  const left = total - faults.first.length;
  return [
    `${path}: ${title}`,
    ...notes.map((note) => `  ${note}`),
    `  classes: ${beside(classes.length, officialClasses)}`,
    ...splits.flatMap(splitLines),
    ...(unlabelled > 0 ? [`  photos without a class: ${grouped(unlabelled)}`] : []),
    ...(total === 0
      ? ["no faults"]
      : [
          `${grouped(total)} ${total === 1 ? "fault" : "faults"}: ${Object.entries(faults.counts)
            .map(([code, count]) => `${grouped(count)} ${code}`)
            .join(", ")}`,
          ...faults.first.map(({ of, message }) => `  ${of}: ${message}`),
          ...(left > 0 ? [`  ... and ${grouped(left)} more`] : []),
        ]),
  ];
}

function splitLines({ name, use, photos, official, shortSides, perClass, objects }: SplitReport): string[] {
  const what = name === use ? name : `${name} (${use})`;
  return [
    `  photos in ${what}: ${beside(photos, official)}`,
    ...(perClass === null ? [] : [`    of each class: ${spreadOf(perClass)}`]),
    ...(shortSides === null ? [] : [`    shorter sides: ${spreadOf(shortSides)} px`]),
    ...(objects === null ? [] : objectLines(objects)),
  ];
}

function objectLines(counts: ObjectCounts): string[] {
  const { objects, official, masks, crowds, difficult, photosWithout, small, medium, large, unseen } = counts;
  const some = unseen.slice(0, 5).join(", ");
  return [
    `    objects: ${beside(objects, official)}; masks: ${grouped(masks)}; crowds: ${grouped(crowds)}; difficult: ${grouped(difficult)}`,
    `    by area: ${grouped(small)} below 32 x 32 px, ${grouped(medium)} below 96 x 96 px, ${grouped(large)} larger`,
    ...(photosWithout > 0 ? [`    photos without objects: ${grouped(photosWithout)}`] : []),
    ...(unseen.length > 0
      ? [`    classes without objects: ${unseen.length} (${some}${unseen.length > 5 ? ", ..." : ""})`]
      : []),
  ];
}
