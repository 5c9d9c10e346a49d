/** Settings of a run as options of a command. */
import { type Command, Option } from "commander";
import { parse } from "yaml";
import { loadConfig } from "../config/load.js";
import { type RunConfig, settings } from "../config/schema.js";
import { dashed, type Options, textOption } from "./command.js";

/** Short names of settings that are asked for often. */
const aliases: Record<string, string> = {
  seed: "seed",
  epochs: "train.epochs",
  batchSize: "train.batchSize",
  lr: "train.lr",
  crop: "data.crop",
  arch: "model.arch",
  width: "model.width",
  stem: "model.stem",
  queue: "method.queue",
  fill: "mask.fill",
  branch: "mask.branch",
};

/** Adds `--config FILE`, one `--dotted.key` for each setting, and the short names. */
export function withSettings(made: Command): Command {
  made.option("--config <file>", "YAML file of settings; options win over it");
  const described = new Map(settings().map((setting) => [setting.key, setting]));
  for (const [short, key] of Object.entries(aliases)) {
    if (short !== key) made.addOption(new Option(`--${dashed(short)} <value>`, `short for --${key}`));
  }
  for (const { key, description, default: value } of described.values()) {
    const shown = value === undefined ? "" : ` (default: ${JSON.stringify(value)})`;
    made.addOption(new Option(`--${key} <value>`, `${description}${shown}`));
  }
  return made;
}

/** The validated configuration of a command: `base` under the file under the options. */
export function configOf(options: Options, base: Record<string, unknown> = {}): RunConfig {
  const given: Record<string, unknown> = {};
  for (const { key } of settings()) if (options[key] !== undefined) given[key] = parse(String(options[key]));
  for (const [short, key] of Object.entries(aliases)) {
    if (options[short] !== undefined) given[key] = parse(String(options[short]));
  }
  return loadConfig(given, { file: textOption(options, "config"), base });
}
