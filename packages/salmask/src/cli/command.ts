import { Command, CommanderError, Option } from "commander";
import { parse } from "yaml";
import { UsageError } from "../base/errors.js";
import { loadConfig } from "../config/load.js";
import { type RunConfig, settings } from "../config/schema.js";
import { Output, type Streams } from "./output.js";

/** What every command's action is given. */
export interface Context {
  streams: Streams;
  /** Aborted by the first interrupt. */
  signal: AbortSignal;
  /** Set by the action that fails; 0 until then. */
  exitCode: number;
}

/** The options of a command, by name in camel case or by dotted setting. */
export type Options = Record<string, unknown>;

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

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * A command whose action gets its arguments, its options and an {@link Output}; what the action throws becomes the
 * message and the exit code.
 */
export function command(
  context: Context,
  name: string,
  description: string,
  action: (args: string[], options: Options, output: Output) => Promise<void>,
): Command {
  const made = new Command(name)
    .description(description)
    .option("--json", "one JSON document on standard output, people's text on standard error")
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err });
  made.action(async () => {
    const options: Options = made.opts();
    const output = new Output(context.streams, options.json === true);
    const args = made.processedArgs.flat().filter((arg): arg is string => typeof arg === "string");
    try {
      await action(args, options, output);
    } catch (error) {
      if (error instanceof CommanderError) throw error;
      context.exitCode = output.failure(error);
    }
  });
  return made;
}

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

/** An option that takes a text; undefined where it was not given. */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** An option that takes a whole number from `least`. Throws {@link UsageError}. */
export function countOption(options: Options, name: string, fallback: number, least = 1): number {
  const text = textOption(options, name);
  if (text === undefined) return fallback;
  const count = Number(text);
  if (!Number.isInteger(count) || count < least) {
    throw new UsageError(
      "bad-option",
      `Expected a whole number from ${least} for --${dashed(name)}, but ${text} came.`,
    );
  }
  return count;
}
