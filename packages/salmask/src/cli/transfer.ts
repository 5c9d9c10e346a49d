import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { parseText } from "../config/kind.js";
import { settingsListing } from "../config/settings.generated.js";
import { isLabelBudget, labelBudgetForm } from "../data/samples/label-budget.js";
import { type Measure, measures } from "../transfer/measures.js";
import type { GivenPlan, GivenSetting } from "../transfer/plan.js";
import { begin, type Context, command, dashed, type Options, textOption, withExamples } from "./command.js";
import { gathered, listOption, toOption } from "./list-options.js";
import { dryRunText } from "./run-options.js";

export function transferCommand(context: Context): Command {
  const made = command(context, async (runs, options, output) => {
    const { readTransferPlan } = await import("../transfer/plan.js");
    const plan = readTransferPlan(textOption(options, "plan") ?? null, givenPlan(runs, options));
    const out = textOption(options, "out") ?? "runs/transfer";
    if (options.dryRun === true) {
      const { planTransfer } = await begin(context, import("../transfer/dry-run.js"));
      const planned = await planTransfer({ plan, out, signal: context.signal, report: output.report });
      const { transferPlanLines } = await import("./plan-lines.js");
      return output.result(planned, transferPlanLines(planned));
    }
    const [{ transfer }, { toMarkdown }] = await begin(
      context,
      Promise.all([import("../transfer/transfer.js"), import("../transfer/table-text.js")]),
    );
    const cache = textOption(options, "cache");
    const table = await transfer({ plan, out, cache, signal: context.signal, report: output.report });
    output.result({ out, ...table }, [
      "",
      toMarkdown(table),
      `${join(out, "table.md")} and ${join(out, "cells.csv")} hold the table`,
    ]);
    if (table.failures.length > 0) context.exitCode = 1;
  })
    .argument(
      "[runs...]",
      "encoders, as RUN or NAME=RUN: a run's folder, a safetensors file of weights, or a folder with a run for each seed " +
        "(seed-0, seed-1, ...), as experiments leave them",
    )
    .option("--plan <file>", "YAML that names runs, sets, measures, seeds and settings; options win over it")
    .option("--only <list>", "some of the plan's sets, by name")
    .option("--out <folder>", "takes the table and a folder per cell", "runs/transfer")
    .option("--seeds <list>", "such as 0,1,2 (default: those of the plan, or 0,1,2)")
    .option("--labels <list>", "label budgets, such as 1%,10%,all (default: those of the plan, or all)")
    .addOption(
      new Option("--protocol <name>", "of the linear classifier; default: fast").choices(["fast", "paper"]),
    )
    .option("--no-random", "leave out random initialisation")
    .option("--dry-run", dryRunText)
    .option("--skip-bad", "leave out what is wrong with a set instead of refusing it")
    .option("--cache <folder>", "folder of the packed photos");
  toOption(made);
  made.option(
    "--measures <list>",
    `some of ${measures.join(", ")} (default: knn,linear where photos have classes, detect where they have boxes)`,
  );
  made.option(
    "--setting <[set:]key=value>",
    "a setting of finetune or detect, of one set or of all; as often as needed",
    gathered,
  );
  return withExamples(
    made,
    "transfer runs/plain runs/masked --to imagenette --to cifar10 --labels 1%,10%,all",
    'transfer "MoCo v2=runs/moco" high-pass=runs/hp --to imagenette --measures knn,linear,finetune --setting finetune.epochs=20',
    "transfer runs/a --to raccoon-voc --to scenes --setting raccoon-voc:detect.train.epochs=20 --setting scenes:detect.detection.masks=true",
    'transfer "MoCo v2=runs/moco" --plan experiments/transfer-voc.yaml --to VOC07+12=VOCdevkit',
  );
}

function givenPlan(runs: readonly string[], options: Options): GivenPlan {
  const list = (name: string) =>
    textOption(options, name)
      ?.split(",")
      .map((text) => text.trim());
  const protocol = textOption(options, "protocol");
  return {
    runs,
    to: listOption(options, "to"),
    only: list("only"),
    seeds: list("seeds")?.map(seedOf),
    measures: list("measures")?.map(measureOf),
    labels: list("labels")?.map(labelsOf),
    protocol: protocol === "paper" || protocol === "fast" ? protocol : undefined,
    random: options.random === false ? false : undefined,
    skipBad: options.skipBad === true ? true : undefined,
    settings: listOption(options, "setting").map(settingOf),
  };
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (text !== "" && Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw badOption("seeds", "whole numbers from 0, as 0,1,2", text);
}

function measureOf(text: string): Measure {
  const found = measures.find((name) => name === text);
  if (found !== undefined) return found;
  throw badOption("measures", `some of ${measures.join(", ")}`, text);
}

function labelsOf(text: string): string {
  if (isLabelBudget(text)) return text;
  throw badOption("labels", labelBudgetForm, text);
}

function badOption(name: string, expected: string, got: string): UsageError {
  return new UsageError("bad-option", `Expected ${expected} for --${dashed(name)}, got ${shown(got)}.`);
}

/** `[SET:]finetune.KEY=VALUE` or `[SET:]detect.KEY=VALUE`. */
function settingOf(text: string): GivenSetting {
  const parts = /^(?:(.+):)?(finetune|detect)\.([^=]+)=(.*)$/.exec(text);
  if (parts === null) throw badOption("setting", "[SET:]finetune.KEY=VALUE or [SET:]detect.KEY=VALUE", text);
  const [, set = null, name, key, value] = parts;
  const group = name === "finetune" ? "finetune" : "detect";
  const setting = settingsListing[group].find((known) => known.key === key);
  return {
    set,
    group,
    key,
    value: setting === undefined ? value : parseText(setting.kind, value),
  };
}
