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
import { useOptions, withUseOptions } from "./use-options.js";

export function searchCommand(context: Context): Command {
  const made = command(context, async ([run, query], options, output) => {
    const among = requiredText(options, "in");
    const count = countOption(options, "count", 8);
    const sheet = textOption(options, "sheet");
    const rows = countOption(options, "rows", 50);
    const { search } = await begin(context, import("../tasks/search/search.js"));
    const { cache, compute, signal, report } = await useOptions(context, options, output);
    const result = await search({ run, query, among, count, cache, compute, signal, report });
    if (sheet !== undefined) {
      const { sheetOfSearch } = await import("../report/found-sheets.js");
      await sheetOfSearch(result, { out: sheet, rows, cache, signal, report });
    }
    output.result({ ...result, sheet: sheet ?? null }, [
      ...result.found.flatMap(({ query: path, neighbours }) => [
        path,
        ...neighbours.map(({ path: near, similarity }) => `  ${similarity.toFixed(4)}  ${near}`),
      ]),
      ...(sheet === undefined ? [] : [`pictures: ${sheet}`]),
    ]);
  });
  withUseOptions(made)
    .argument("<query>", "a photo, or a folder or an archive of photos: what is looked for")
    .requiredOption(
      "--in <photos>",
      "folder or archive of photos, or the .npy that salmask embed wrote of one",
    )
    .option("--count <n>", "neighbours of each query", "8")
    .option("--sheet <file>", "draw a PNG: each query, then its neighbours")
    .option("--rows <n>", "queries to draw at most", "50");
  return withExamples(
    made,
    "search runs/pretrain cat.jpg --in photos --sheet found.png",
    "search runs/pretrain queries --in photos.npy --count 20 --json",
  );
}
