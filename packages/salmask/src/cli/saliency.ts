import { Command } from "commander";
import { evaluateSaliency } from "../analysis/saliency-eval.js";
import { openDataset } from "../data/store/dataset.js";
import { gridFor } from "../masking/grid.js";
import { strideOf } from "../models/resnet.js";
import { sheetOfSaliency } from "../report/saliency-sheet.js";
import { openSource } from "../saliency/open.js";
import { type Context, command, configOf, countOption, textOption, withSettings } from "./command.js";
import { saliencyTrainCommand } from "./saliency-train.js";

export function saliencyCommand(context: Context): Command {
  const evaluation = command(
    context,
    "eval",
    "Score a saliency source on photos whose objects are known: MAE, maximal F, S-measure, IoU.",
    async (args, options, output) => {
      const { data, model, saliency } = configOf(options);
      const source = await openSource(saliency);
      try {
        const dataset = await openDataset(args[0], {
          ...{ size: data.size, crop: data.crop, cacheDir: data.cache },
          onProgress: ({ done }) => done % 500 === 0 && output.line(`decoded ${done} photos`),
        });
        try {
          const evaluated = {
            ...{ dataset, masks: textOption(options, "masks") ?? "", source },
            grid: gridFor(data.crop, strideOf(model.stem)),
            threshold: saliency.threshold,
          };
          const scores = await evaluateSaliency(evaluated);
          const out = textOption(options, "sheet");
          const count = countOption(options, "count", 8);
          const drawn = out === undefined ? [] : await sheetOfSaliency({ ...evaluated, out, count });
          const sheet = out === undefined ? null : { path: out, photos: drawn };
          output.result({ source: saliency.source, ...scores, sheet }, [
            `${saliency.source} on ${scores.photos} photos of ${data.crop} px`,
            `MAE          ${scores.mae.toFixed(4)}   (0 is best)`,
            `maximal F    ${scores.maxF.toFixed(4)}`,
            `S-measure    ${scores.sMeasure.toFixed(4)}`,
            `IoU          ${scores.iou.toFixed(4)}   at ${(100 * scores.foregroundShare).toFixed(0)} % foreground`,
            ...(sheet === null ? [] : [`${drawn.length} photos drawn to ${sheet.path}`]),
          ]);
        } finally {
          dataset.close();
        }
      } finally {
        await source.dispose();
      }
    },
  )
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .requiredOption("--masks <folder>", "NAME.png for each photo NAME, white on the object")
    .option(
      "--sheet <file>",
      "a PNG of a few photos, saliency and foreground; as scored: white is found, red too much, blue missed",
    )
    .option("--count <n>", "photos to draw in the sheet", "8");
  return new Command("saliency")
    .description("Score what finds objects, or train a network that does.")
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err })
    .addCommand(withSettings(evaluation))
    .addCommand(saliencyTrainCommand(context));
}
