import { basename, extname, join } from "node:path";
import type { Command } from "commander";
import { writeFileAtomic } from "../base/files.js";
import { begin, type Context, command, countOption, textOption, withExamples } from "./command.js";

export function experimentCommand(context: Context): Command {
  const made = command(context, async ([file], options, output) => {
    const { readPlan } = await import("../experiment/plan.js");
    const plan = readPlan(file, {
      photos: textOption(options, "photos"),
      probe: textOption(options, "probe"),
    });
    const out = textOption(options, "out") ?? join("runs", basename(file, extname(file)));
    const jobs = countOption(options, "jobs", 1);
    const [{ execute }, { toSvg }, { tabulate, toCsv, toMarkdown }] = await begin(
      context,
      Promise.all([
        import("../experiment/execute.js"),
        import("../experiment/plot.js"),
        import("../experiment/table.js"),
      ]),
    );
    const results = await execute({ plan, out, jobs, signal: context.signal, report: output.line });
    const rows = tabulate(plan, results);
    const markdown = toMarkdown(plan, rows);
    await writeFileAtomic(join(out, "table.md"), markdown);
    await writeFileAtomic(join(out, "runs.csv"), toCsv(results));
    await writeFileAtomic(join(out, "plot.svg"), toSvg(plan, rows));
    output.result({ name: plan.name, out, rows }, [
      "",
      markdown,
      `table.md, runs.csv and plot.svg are in ${out}`,
    ]);
    if (results.some(({ kind }) => kind === "failed")) context.exitCode = 1;
  })
    .argument("<file>", "the experiment's YAML")
    .option("--out <folder>", "holds the runs and the table (default: runs/ and the file's name)")
    .option("--photos <folder>", "unlabelled photos, in place of the file's")
    .option("--probe <folder>", "labelled photos to score on, in place of the file's")
    .option("--jobs <n>", "runs at once; the cores are shared out among them", "1");
  return withExamples(
    made,
    "experiment experiments/embedded-masks.yaml",
    "experiment experiments/imagenette64.yaml --photos imagenette/train --probe imagenette --jobs 2",
  );
}
