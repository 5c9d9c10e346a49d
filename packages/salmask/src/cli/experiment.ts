import { basename, extname, join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { writeFileAtomic } from "../base/files.js";
import {
  begin,
  type Context,
  command,
  countOption,
  type Options,
  secondsOption,
  textOption,
  withExamples,
} from "./command.js";
import { gathered, listOption, toOption } from "./list-options.js";
import { dryRunText } from "./run-options.js";

export function experimentCommand(context: Context): Command {
  const made = command(context, async ([file], options, output) => {
    const { readPlan, transferPlanOf } = await import("../experiment/plan.js");
    const wanted = readPlan(file, {
      photos: textOption(options, "photos"),
      probe: textOption(options, "probe"),
      to: listOption(options, "to"),
    });
    const out = textOption(options, "out") ?? join("runs", basename(file, extname(file)));
    const jobs = countOption(options, "jobs", 1);
    const only = rowsOption(
      options,
      wanted.rows.map(({ name }) => name),
    );
    const seconds =
      textOption(options, "stopAfter") === undefined ? null : secondsOption(options, "stopAfter", "");
    const tensorboard = options.tensorboard === true;
    const keptIn = textOption(options, "results");
    const kept =
      keptIn === undefined
        ? undefined
        : (await import("../experiment/kept-results.js")).KeptResults.open(keptIn);
    if (options.dryRun === true) {
      const { planExperiment } = await begin(context, import("../experiment/dry-run.js"));
      const { signal } = context;
      const planned = await planExperiment(wanted, { out, jobs, kept, signal, report: output.report });
      const { experimentPlanLines } = await import("./plan-lines.js");
      return output.result(planned, experimentPlanLines(planned));
    }
    const [
      { planInTime },
      { executeInLooks },
      { decisionsMarkdown },
      { standings },
      { toSvg },
      { tabulate, toCsv, toMarkdown },
      { openSets, transfer },
      transferText,
    ] = await begin(
      context,
      Promise.all([
        import("../experiment/plan-in-time.js"),
        import("../experiment/in-looks.js"),
        import("../experiment/decisions-text.js"),
        import("../experiment/standings.js"),
        import("../experiment/plot.js"),
        import("../experiment/table.js"),
        import("../transfer/transfer.js"),
        import("../transfer/table-text.js"),
      ]),
    );
    const { signal } = context;
    const measured = transferPlanOf(wanted, out);
    const how = { out: join(out, "transfer"), mayLackRuns: true, signal, report: output.report };
    // What cannot be measured is refused before hours of training, and not after them.
    if (measured !== null) await openSets({ plan: measured, ...how });
    const plan = await planInTime(wanted, { out, jobs, signal, report: output.report });
    const until = seconds === null ? undefined : AbortSignal.timeout(1000 * seconds);
    const { report } = output;
    const results = await executeInLooks({ plan, out, jobs, kept, tensorboard, only, signal, until, report });
    const decisions = decisionsMarkdown(plan, results);
    const rows = tabulate(plan, results);
    const markdown = toMarkdown(plan, rows, results);
    await writeFileAtomic(join(out, "table.md"), markdown);
    await writeFileAtomic(join(out, "runs.csv"), toCsv(plan, results));
    await writeFileAtomic(join(out, "plot.svg"), toSvg(plan, rows));
    if (plan.decide !== null) await writeFileAtomic(join(out, "decisions.md"), decisions);
    const isStopped = until?.aborted === true;
    const table = measured === null || isStopped ? null : await transfer({ plan: measured, ...how });
    output.result({ name: plan.name, out, rows, decisions: standings(plan, results), transfer: table }, [
      "",
      markdown,
      ...(plan.decide === null ? [] : [decisions]),
      ...(table === null ? [] : [transferText.toMarkdown(table)]),
      `table.md, runs.csv${plan.decide === null ? "" : ", decisions.md"} and plot.svg are in ${out}`,
      ...(isStopped ? ["The time is over. The same command goes on, each run from its checkpoint."] : []),
    ]);
    const isFailed = results.some(({ kind }) => kind === "failed") || (table?.failures.length ?? 0) > 0;
    if (isFailed) context.exitCode = 1;
  })
    .argument("<file>", "the experiment's YAML")
    .option("--out <folder>", "holds the runs and the table (default: runs/ and the file's name)")
    .option("--photos <folder>", "unlabelled photos, in place of the file's")
    .option("--probe <folder>", "labelled photos to score on, in place of the file's")
    .option("--jobs <n>", "runs at once; the cores are shared out among them", "1")
    .option(
      "--row <name>",
      "run this row alone; as often as needed. Finished runs of others still count",
      gathered,
    )
    .option(
      "--stop-after <duration>",
      "end by itself after this long, such as 30m, with what is done by then",
    )
    .option(
      "--results <file>",
      "JSON lines of finished runs: those in it are not run again, wherever they ran, and new ones are added",
    )
    .option("--tensorboard", "runs also write event files for TensorBoard beside metrics.jsonl")
    .option("--dry-run", dryRunText);
  toOption(made);
  return withExamples(
    made,
    "experiment experiments/embedded-masks.yaml",
    "experiment experiments/imagenette64.yaml --photos imagenette/train --probe imagenette --jobs 2",
  );
}

/** The names given with `--row`; undefined where none is. Throws {@link UsageError}. */
function rowsOption(options: Options, rows: readonly string[]): string[] | undefined {
  const given = listOption(options, "row");
  const unknown = given.find((name) => !rows.includes(name));
  if (unknown === undefined) return given.length === 0 ? undefined : given;
  throw new UsageError(
    "bad-option",
    `Expected a row of the experiment for --row, got ${shown(unknown)}. Its rows: ${rows.join("; ")}.`,
  );
}
