import { Command } from "commander";
import { UsageError } from "../base/errors.js";
import { fileSize } from "../base/format.js";
import { defaultCacheDir } from "../data/store/cache-folder.js";
import type { CacheSelection, PackedCache } from "../data/store/housekeeping.js";
import { begin, type Context, command, type Options, textOption, withExamples } from "./command.js";

export function cacheCommand(context: Context): Command {
  return new Command()
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err })
    .addCommand(listCommand(context))
    .addCommand(cleanCommand(context));
}

function listCommand(context: Context): Command {
  const made = command(context, async (_args, options, output) => {
    const folder = folderOf(options);
    const { listCaches } = await begin(context, import("../data/store/housekeeping.js"));
    const caches = await listCaches(folder);
    output.result({ folder, caches }, [...caches.flatMap(linesOf), `${sumOf(caches)} in ${folder}`]);
  })
    .name("list")
    .description("List the caches of decoded photos, the one used last first.");
  return withExamples(withFolder(made), "cache list", "cache list --json");
}

function cleanCommand(context: Context): Command {
  const made = command(context, async (names, options, output) => {
    const folder = folderOf(options);
    const selection = selectionOf(names, textOption(options, "unusedFor"));
    const { removeCaches } = await begin(context, import("../data/store/housekeeping.js"));
    const removed = await removeCaches(selection, folder);
    output.result({ folder, removed }, [
      ...removed.flatMap(linesOf),
      `removed ${sumOf(removed)} from ${folder}`,
    ]);
  })
    .name("clean")
    .description(
      "Remove caches of decoded photos: those named, or those that no run used for some time. The photos stay. " +
        "The next run that needs a removed cache decodes the photos again.",
    )
    .argument("[names...]", "names of caches, as cache list shows them")
    .option(
      "--unused-for <days>",
      "remove what was not used for so many days; 0d removes all (default: 30d)",
    );
  return withExamples(
    withFolder(made),
    "cache clean",
    "cache clean --unused-for 7d",
    "cache clean 0f3c9a417f0d5b6e8a21c4d7e95b3f60",
  );
}

function withFolder(made: Command): Command {
  return made.option(
    "--folder <folder>",
    "the folder of the caches (default: the variable SALMASK_CACHE, or ~/.cache/salmask)",
  );
}

function folderOf(options: Options): string {
  return textOption(options, "folder") ?? defaultCacheDir();
}

/** Throws {@link UsageError} `bad-option`. */
function selectionOf(names: readonly string[], unusedFor: string | undefined): CacheSelection {
  if (names.length === 0) return { unusedForDays: daysOf(unusedFor ?? "30d") };
  if (unusedFor === undefined) return { names };
  throw new UsageError(
    "bad-option",
    `Expected names of caches or --unused-for, got both: ${names.join(" ")} and --unused-for ${unusedFor}.`,
  );
}

function daysOf(text: string): number {
  const [, days] = /^(\d+(?:\.\d+)?)d$/.exec(text.trim()) ?? [];
  if (days !== undefined) return Number(days);
  throw new UsageError(
    "bad-option",
    `Expected a number of days such as 30d for --unused-for, got ${JSON.stringify(text)}.`,
  );
}

function linesOf({ name, source, photos, size, bytes, lastUsed }: PackedCache): string[] {
  const used = `${fileSize(bytes)}, last used on ${lastUsed.toISOString().slice(0, 10)}`;
  if (source === null) return [name, `  no readable index, ${used}`];
  return [name, `  ${photos} photos of ${size} px, ${used}`, `  made from ${source}`];
}

function sumOf(caches: readonly PackedCache[]): string {
  const bytes = caches.reduce((sum, cache) => sum + cache.bytes, 0);
  return `${caches.length} ${caches.length === 1 ? "cache" : "caches"}, ${fileSize(bytes)},`;
}
