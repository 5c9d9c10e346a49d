/** The settings of a run as options of a command. */
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { parseText, placeholderOf } from "../config/kind.js";
import { presetNames } from "../config/presets.js";
import type { RunConfig } from "../config/schema.js";
import type { Setting } from "../config/setting.js";
import { settingsListing } from "../config/settings.generated.js";
import type { SettingsKind } from "../config/settings-kind.js";
import { dashed, type Options, textOption } from "./command.js";

/** What a command offers of a kind of settings. */
export interface Offered<T> {
  readonly name: keyof typeof settingsListing;
  /** Loads the schema. Only values need it; to load it takes as long as help takes without it. */
  readonly load: () => Promise<SettingsKind<T>>;
  /** Short names of settings that are asked for often, in camel case. */
  readonly shortNames: Readonly<Record<string, string>>;
}

const offeredOfPretraining: Offered<RunConfig> = {
  name: "pretrain",
  load: async () => (await import("../config/schema.js")).pretrainSettings,
  shortNames: {
    "train.epochs": "epochs",
    "train.batchSize": "batchSize",
    "train.lr": "lr",
    "train.validate": "validate",
    "data.crop": "crop",
    "model.arch": "arch",
    "model.width": "width",
    "model.stem": "stem",
    "method.queue": "queue",
    "mask.fill": "fill",
    "mask.branch": "branch",
  },
};

/** The settings that affect a command: groups and single keys. */
export type Takes = readonly string[] | "all";

/**
 * Adds `--preset NAME`, `--config FILE`, one `--dotted.key` for each setting that affects the command, and the short
 * names. The other settings are also accepted by the parser, so that {@link configReader} can say that they have no effect.
 */
export function withSettings(made: Command, takes: Takes = "all"): Command {
  return withSettingsOf(made, offeredOfPretraining, takes);
}

/**
 * Adds `--config FILE`, `--preset NAME` where there are presets, one `--dotted.key` for each setting that the command takes, and
 * the short names. Other settings are known too, so that {@link settingsReader} can say that they have no effect.
 */
export function withSettingsOf<T>(
  made: Command,
  { name, shortNames }: Offered<T>,
  takes: Takes = "all",
): Command {
  const group = "Settings:";
  const presets = presetNames({ name });
  if (presets.length > 0) {
    const names = presets.join(", ");
    made.addOption(
      new Option("--preset <name>", `settings by name (${names}), under those of --config`).helpGroup(group),
    );
  }
  made.addOption(
    new Option("--config <file>", "YAML file of settings; options win over it").helpGroup(group),
  );
  for (const setting of settingsListing[name]) {
    const isTaken = takesSetting(takes, setting.key);
    const [long, ...short] = optionsOf(setting, shortNames[setting.key], group);
    made.addOption(isTaken ? long : long.hideHelp());
    for (const option of short) made.addOption(isTaken ? option : option.hideHelp());
  }
  return made.addHelpText(
    "after",
    "\nA range is two numbers, as 0.1,0.4. A file of settings is YAML with the same names: a dot leads into a group.",
  );
}

function takesSetting(takes: Takes, key: string): boolean {
  return takes === "all" || takes.some((taken) => key === taken || key.startsWith(`${taken}.`));
}

/** The option of a setting, and its short one where it has one. */
function optionsOf(
  { key, kind, description, default: value }: Setting,
  shortName: string | undefined,
  group: string,
): Option[] {
  const choices = kind.kind === "choice" ? [`one of ${kind.choices.join(", ")}`] : [];
  const usual = value === undefined ? [] : [`default: ${Array.isArray(value) ? value.join(",") : value}`];
  const notes = [...choices, ...usual].join("; ");
  const text = notes === "" ? description : `${description} (${notes})`;
  const placeholder = `<${placeholderOf(kind)}>`;
  const long = new Option(`--${key} ${placeholder}`, text).helpGroup(group);
  if (shortName === undefined) return [long];
  return [long, new Option(`--${dashed(shortName)} ${placeholder}`, `short for --${key}`).helpGroup(group)];
}

/** Settings that do not affect what the encoder learns. */
const beside: ReadonlySet<string> = new Set([
  "seed",
  "threads",
  "device",
  "precision",
  "data.cache",
  "saliency.truth",
  "train.checkpointEvery",
  "train.keep",
  "train.logEvery",
  "train.varianceEvery",
  "train.knnEvery",
  "train.knnPhotos",
  "train.validate",
]);

/** Whether an option affects what the encoder learns. */
export function choosesLearning(options: Options): boolean {
  const { name, shortNames } = offeredOfPretraining;
  return settingsListing[name].some(({ key }) => {
    const short = shortNames[key];
    const isGiven =
      textOption(options, key) !== undefined ||
      (short !== undefined && textOption(options, short) !== undefined);
    return isGiven && !beside.has(key);
  });
}

interface ConfigOptions {
  /** The name of the command, for the error about a setting without effect. */
  command?: string;
  takes?: Takes;
  /** The command's own defaults, by dotted key. */
  base?: Readonly<Record<string, unknown>>;
}

/** {@link settingsReader} of pre-training. */
export const configReader = () => settingsReader(offeredOfPretraining);

/**
 * Loads the schema of a kind of settings. The function that it resolves to gives the validated settings of a command: options
 * override the file, the file overrides the preset, and the preset overrides `base`. It throws {@link UsageError} `no-effect`
 * for an option that does not affect the command, `given-twice` for an option that is given under both of its names, and the
 * errors of `loadSettings`.
 */
export async function settingsReader<T>({
  name: kindName,
  load,
  shortNames,
}: Offered<T>): Promise<(options: Options, how?: ConfigOptions) => T> {
  const { loadSettings } = await import("../config/load.js");
  const settingsKind = await load();
  return (options, { command = kindName, takes = "all", base = {} } = {}) => {
    const given: Record<string, unknown> = {};
    const names = new Map<string, string>();
    for (const { key, kind } of settingsListing[kindName]) {
      const short = shortNames[key];
      const long = textOption(options, key);
      const text = long ?? (short === undefined ? undefined : textOption(options, short));
      if (text === undefined) continue;
      const name = long === undefined && short !== undefined ? `--${dashed(short)}` : `--${key}`;
      if (long !== undefined && short !== undefined && textOption(options, short) !== undefined) {
        throw new UsageError(
          "given-twice",
          `Expected one of --${key} and --${dashed(short)}, got both. Give one.`,
        );
      }
      if (!takesSetting(takes, key)) {
        throw new UsageError(
          "no-effect",
          `Expected settings that have an effect on ${command}, got ${name}. Leave it out; ${kindName} takes it.`,
        );
      }
      names.set(key, name);
      given[key] = parseText(kind, text);
    }
    return loadSettings(settingsKind, given, {
      base,
      preset: textOption(options, "preset"),
      file: textOption(options, "config"),
      nameOf: (key) => names.get(key) ?? key,
    });
  };
}
