import type { Command } from "commander";
import { begin, type Context, command, countOption, requiredText, withExamples } from "./command.js";
import { configReader, withSettings } from "./settings-options.js";

/** The only settings that affect the sheet; nothing is trained. */
const takes = [
  ...["seed", "data", "model.stem", "augment", "augmentSecond"],
  ...[
    "mask.fill",
    "mask.branch",
    "mask.cells",
    "mask.ratio",
    "mask.foregroundShare",
    "mask.highPass",
    "mask.blur",
  ],
  ...["mask.negative.count", "mask.negative.ratio", "mask.negative.of"],
  ...["saliency.source", "saliency.weights", "saliency.threshold", "saliency.scope"],
];

export function viewsCommand(context: Context): Command {
  const made = command(context, async (args, options, output) => {
    const count = countOption(options, "count", 8);
    // Before the first run the user has no trained encoder for saliency.
    const usual = { "saliency.source": "spectral-residual" };
    const configOf = await configReader();
    const config = configOf(options, {
      command: "views",
      takes,
      base: options["saliency.weights"] === undefined ? usual : {},
    });
    const { sheetOfPhotos } = await begin(context, import("../report/views-of-photos.js"));
    const sheet = await sheetOfPhotos({
      photos: args[0],
      out: requiredText(options, "out"),
      count,
      config,
      signal: context.signal,
      report: output.report,
    });
    output.result(sheet, [`${sheet.photos.length} photos drawn to ${sheet.path}`]);
  })
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .option("--out <file>", "the PNG", "views.png")
    .option("--count <n>", "photos to draw", "8");
  withSettings(made, takes);
  return withExamples(
    made,
    "views photos --crop 64 --stem small",
    "views photos --config run.yaml --fill blur --count 4 --out blur.png",
  );
}
