import type { Command } from "commander";
import {
  begin,
  type Context,
  command,
  countOption,
  requiredText,
  textOption,
  withExamples,
} from "./command.js";
import { configReader, withSettings } from "./settings-options.js";

/** The only settings that affect a score. */
const takes = [
  ...["data", "model.stem", "augment"],
  ...["saliency.source", "saliency.weights", "saliency.threshold"],
];

export function saliencyEvalCommand(context: Context): Command {
  const made = command(context, async (args, options, output) => {
    const configOf = await configReader();
    const config = configOf(options, { command: "saliency eval", takes });
    const count = countOption(options, "count", 8);
    const { scorePhotos } = await begin(context, import("./saliency-eval-run.js"));
    const result = await scorePhotos({
      photos: args[0],
      masks: requiredText(options, "masks"),
      config,
      sheet: textOption(options, "sheet"),
      count,
      crops: countOption(options, "crops", 0, { least: 0 }),
      signal: context.signal,
      report: output.report,
    });
    const { source, photos, crops, sheet } = result;
    const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
    output.result(result, [
      `${source} on ${photos} photos of ${config.data.crop} px`,
      `MAE          ${result.mae.toFixed(4)}   (0 is best)`,
      `maximal F    ${result.maxF.toFixed(4)}   (${result.maxFOfMeans.toFixed(4)} of the mean precision and recall, as many papers have it)`,
      `S-measure    ${result.sMeasure.toFixed(4)}`,
      `IoU          ${result.iou.toFixed(4)}   at ${percent(result.foregroundShare)} foreground; ${percent(result.allForegroundShare)} of photos are all foreground`,
      ...(crops === null
        ? []
        : [
            `crops' IoU   ${crops.iou?.toFixed(4) ?? "unknown"}   at ${percent(crops.foregroundShare)} foreground; ${percent(crops.allForegroundShare)} of ${crops.crops} crops are all foreground; the whole crop's IoU is ${crops.wholeCropIou?.toFixed(4) ?? "unknown"}`,
          ]),
      ...(sheet === null ? [] : [`${sheet.photos.length} photos drawn to ${sheet.path}`]),
    ]);
  })
    .name("eval")
    .description("Score a saliency source on photos whose objects are known: MAE, maximal F, S-measure, IoU.")
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .requiredOption("--masks <folder>", "NAME.png for each photo NAME, white on the object")
    .option(
      "--sheet <file>",
      "a PNG of a few photos, saliency and foreground; as scored: white is found, red too much, blue missed",
    )
    .option("--count <n>", "photos to draw in the sheet", "8")
    .option("--crops <n>", "crops of each photo to score as well, as training draws them", "0");
  withSettings(made, takes);
  return withExamples(
    made,
    "saliency eval photos --masks masks --data.size 256",
    "saliency eval photos --masks masks --saliency.source minimum-barrier --sheet found.png",
  );
}
