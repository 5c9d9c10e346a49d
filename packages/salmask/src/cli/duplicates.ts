import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import type { DuplicatesResult } from "../tasks/search/duplicates.js";
import {
  begin,
  type Context,
  command,
  countOption,
  type Options,
  textOption,
  withExamples,
} from "./command.js";
import { useOptions, withUseOptions } from "./use-options.js";

export function duplicatesCommand(context: Context): Command {
  const made = command(context, async ([run, photos], options, output) => {
    const threshold = thresholdOption(options);
    const sheet = textOption(options, "sheet");
    const rows = countOption(options, "rows", 50);
    const { findDuplicates } = await begin(context, import("../tasks/search/duplicates.js"));
    const { cache, compute, signal, report } = await useOptions(context, options, output);
    const result = await findDuplicates({ run, photos, threshold, cache, compute, signal, report });
    const isDrawn = sheet !== undefined && result.groups.length > 0;
    if (isDrawn) {
      const { sheetOfDuplicates } = await import("../report/found-sheets.js");
      await sheetOfDuplicates(result, { out: sheet, rows, cache, signal, report });
    }
    output.result({ ...result, sheet: isDrawn ? sheet : null }, [
      ...linesOf(result),
      ...(isDrawn ? [`pictures: ${sheet}`] : []),
    ]);
  });
  withUseOptions(made)
    .argument("<photos>", "folder or archive of photos, or the .npy that salmask embed wrote of one")
    .option("--threshold <x>", "similarity from which two photos are duplicates, 0 to 1; default: 0.995")
    .option("--sheet <file>", "draw a PNG: a row per group")
    .option("--rows <n>", "groups to draw at most", "50");
  return withExamples(
    made,
    "duplicates runs/pretrain photos --sheet duplicates.png",
    "duplicates runs/pretrain photos.npy --threshold 0.999 --json",
  );
}

function linesOf({ groups, threshold }: DuplicatesResult): string[] {
  const photos = groups.reduce((sum, group) => sum + group.length, 0);
  return [
    ...groups.flatMap((group, i) => [
      `group ${i + 1}`,
      ...group.map(
        ({ path, similarity, identical }) =>
          `  ${similarity.toFixed(4)}  ${path}${identical === null ? "" : `  (same bytes, ${identical})`}`,
      ),
    ]),
    groups.length === 0
      ? `no duplicates from the similarity ${threshold}`
      : `${photos} photos in ${groups.length} ${groups.length === 1 ? "group" : "groups"}, from the similarity ${threshold}`,
  ];
}

/** A similarity from 0 to 1; undefined where none is given. Throws {@link UsageError}. */
function thresholdOption(options: Options): number | undefined {
  const text = textOption(options, "threshold");
  if (text === undefined) return undefined;
  const threshold = Number(text);
  if (text.trim() !== "" && threshold >= 0 && threshold <= 1) return threshold;
  throw new UsageError(
    "bad-option",
    `Expected a number from 0 to 1 for --threshold, got ${JSON.stringify(text)}.`,
  );
}
