import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { fileSize } from "../base/format.js";
import { begin, type Context, command, requiredText, withExamples } from "./command.js";

export function reportCommand(context: Context): Command {
  const made = command(context, async (folders, options, output) => {
    const out = requiredText(options, "out");
    const { writeReport } = await begin(context, import("../watch/report-file.js"));
    const runs = await writeReport({ folders, out });
    const { size } = await stat(out);
    output.result({ out, runs, bytes: size }, [
      `${runs.length} ${runs.length === 1 ? "run" : "runs"} in ${out} (${fileSize(size)}); it opens in a browser, without a network`,
    ]);
  })
    .argument("<runs...>", "runs' folders, or folders with runs in them")
    .option("--out <file>", "the HTML file", "report.html");
  return withExamples(
    made,
    "report runs/pretrain",
    "report runs/plain runs/masked --out plain-and-masked.html",
  );
}
