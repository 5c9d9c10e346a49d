import { Command } from "commander";
import { openDataset } from "../data/cache.js";
import { evaluateSaliency } from "../evaluate/saliency-eval.js";
import { gridFor } from "../masking/grid.js";
import { strideOf } from "../models/resnet.js";
import { openSource } from "../models/saliency-source.js";
import { type Context, command, configOf, textOption, withSettings } from "./command.js";
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
          const scores = await evaluateSaliency({
            ...{ dataset, masks: textOption(options, "masks") ?? "", source },
            grid: gridFor(data.crop, strideOf(model.stem)),
            threshold: saliency.threshold,
          });
          output.result({ source: saliency.source, ...scores }, [
            `${saliency.source} on ${scores.photos} photos of ${data.crop} px`,
            `MAE          ${scores.mae.toFixed(4)}   (0 is best)`,
            `maximal F    ${scores.maxF.toFixed(4)}`,
            `S-measure    ${scores.sMeasure.toFixed(4)}`,
            `IoU          ${scores.iou.toFixed(4)}   at ${(100 * scores.foregroundShare).toFixed(0)} % foreground`,
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
    .requiredOption("--masks <folder>", "NAME.png for each photo NAME, white on the object");
  return new Command("saliency")
    .description("Score what finds objects, or train a network that does.")
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err })
    .addCommand(withSettings(evaluation))
    .addCommand(saliencyTrainCommand(context));
}
