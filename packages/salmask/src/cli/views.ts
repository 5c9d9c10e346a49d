import type { Command } from "commander";
import { sheetOfPhotos } from "../report/views-of-photos.js";
import { type Context, command, configOf, countOption, textOption, withSettings } from "./command.js";

export function viewsCommand(context: Context): Command {
  const made = command(
    context,
    "views",
    "Draw a sheet of queries, keys, hard negatives and saliency, before anyone trains.",
    async (args, options, output) => {
      const sheet = await sheetOfPhotos({
        photos: args[0],
        out: textOption(options, "out") ?? "views.png",
        count: countOption(options, "count", 8),
        // Before the first run there is no encoder of one's own to ask.
        config: configOf(
          options,
          options["saliency.weights"] === undefined ? { "saliency.source": "spectral-residual" } : {},
        ),
        report: output.line,
      });
      output.result(sheet, [`${sheet.photos.length} photos drawn to ${sheet.path}`]);
    },
  )
    .argument("<photos>", "folder, .tar or .tar.gz of photos")
    .option("--out <file>", "the PNG", "views.png")
    .option("--count <n>", "photos to draw", "8");
  return withSettings(made);
}
