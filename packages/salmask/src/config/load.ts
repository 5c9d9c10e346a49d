import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { z } from "zod";
import { UsageError } from "../base/errors.js";
import { listed, shown } from "../base/faults.js";
import { parseYaml } from "../base/yaml.js";
import { expectedOf } from "./kind.js";
import { readPreset } from "./presets.js";
import { pretrainSettings, type RunConfig } from "./schema.js";
import type { Setting } from "./setting.js";
import type { SettingsKind } from "./settings-kind.js";
import { inCurrentNames, kindNameOf } from "./stored.js";
import { isTree, keysOf, merge, type Tree, valueAt, withValue } from "./tree.js";

/** Where settings come from, beside the options. */
export interface ConfigSources {
  /** Defaults of the caller by dotted key; everything else overrides them. */
  base?: Readonly<Record<string, unknown>>;
  /** The name of a preset; the file overrides it. */
  preset?: string;
  /** A YAML file; the options override it. */
  file?: string;
  /** The name of a setting in messages if it was given as an option. Default: its key. */
  nameOf?: (key: string) => string;
}

/**
 * The settings of a pre-training, complete: `loadConfig({ "train.epochs": 100 }, { file: "mine.yaml" })`. Options with dotted keys
 * override the YAML file, which overrides the preset. Throws {@link UsageError} as {@link loadSettings} does.
 */
export function loadConfig(
  options: Readonly<Record<string, unknown>>,
  sources: ConfigSources = {},
): RunConfig {
  return loadSettings(pretrainSettings, options, sources);
}

/**
 * The configuration of a run. `options`, with dotted keys (`train.epochs`), override the YAML file, which overrides the
 * preset, which overrides `base`. Throws {@link UsageError} `bad-config` with all errors at once, `no-config`,
 * `no-preset`, `bad-yaml`.
 */
export function loadSettings<T>(
  kind: SettingsKind<T>,
  options: Readonly<Record<string, unknown>>,
  { base = {}, preset, file, nameOf = (key) => key }: ConfigSources = {},
): T {
  const trees = [nest(base)];
  if (preset !== undefined) trees.push(readPreset(kind, preset));
  if (file !== undefined) trees.push(readFile(kind, file));
  const tree = merge([...trees, nest(options)]);
  const parsed = kind.schema.safeParse(tree);
  const unknown = unknownKeys(kind.settings(), tree);
  const named = (key: string) => (Object.hasOwn(options, key) ? nameOf(key) : key);
  const invalid = parsed.success
    ? []
    : parsed.error.issues.flatMap((issue) => faultsOf(kind.settings(), issue, tree, named));
  if (parsed.success && unknown.length === 0) return parsed.data;
  const faults = [...unknown.map((key) => unknownFault(kind.settings(), key)), ...invalid];
  if (faults.length === 1 && file === undefined) throw new UsageError("bad-config", faults[0]);
  const from = file === undefined ? "the options" : `${file} and the options`;
  throw new UsageError(
    "bad-config",
    `Expected settings that can be used in ${from}, got ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:${listed(faults)}`,
  );
}

/** `{"train.epochs": 3}` to `{train: {epochs: 3}}`. */
function nest(flat: Readonly<Record<string, unknown>>): Tree {
  return merge(Object.entries(flat).map(([key, value]) => withValue({}, key, value)));
}

/** The name of the kind of settings in a YAML file. Throws {@link UsageError} `no-config`, `bad-yaml`. */
export const kindNameIn = (path: string): string => kindNameOf(treeIn(path));

/** Whether a run wrote the settings in a YAML file down; people write them without a version. */
export function isStoredIn(path: string): boolean {
  try {
    return isStored(treeIn(path));
  } catch {
    return false;
  }
}

const isStored = (tree: Tree): boolean => Object.hasOwn(tree, "version");

function readFile<T>(kind: SettingsKind<T>, path: string): Tree {
  const tree = treeIn(path);
  // What people write is in the names of today.
  return isStored(tree) ? inCurrentNames(kind, tree, path) : tree;
}

function treeIn(path: string): Tree {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(
      "no-config",
      `Expected a YAML file of settings at ${path}, got none that can be read.`,
      error,
    );
  }
  const value = parseYaml(text, path) ?? {};
  if (!isTree(value)) {
    throw new UsageError("bad-yaml", `Expected settings by name in ${path}, got ${shown(value)}.`);
  }
  return value;
}

function unknownKeys(settings: readonly Setting[], tree: Tree): string[] {
  const known = new Set(settings.map(({ key }) => key));
  const groups = new Set([...known].flatMap(groupsOf));
  return keysOf(tree).filter((key) => !known.has(key) && !groups.has(key));
}

/** `["mask", "mask.negative"]` of `mask.negative.weight`. */
const groupsOf = (key: string): string[] => [...key.matchAll(/\./g)].map(({ index }) => key.slice(0, index));

function unknownFault(settings: readonly Setting[], key: string): string {
  // Only a fault needs it, and help is quicker without.
  const { closest }: typeof import("fastest-levenshtein") = createRequire(import.meta.url)(
    "fastest-levenshtein",
  );
  const known = settings.map((setting) => setting.key);
  return `Expected the name of a setting, got ${shown(key)}. Did you mean ${closest(key.slice(0, 100), known)}?`;
}

/** What an issue says to people. Keys that no kind of setting has are told apart already, by {@link unknownKeys}. */
function faultsOf(
  settings: readonly Setting[],
  issue: z.core.$ZodIssue,
  tree: Tree,
  named: (key: string) => string,
): string[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const name = valueAt(tree, [...path, "name"].join("."));
    const known = new Set(settings.map(({ key }) => key));
    return issue.keys
      .map((key) => [...path, key].join("."))
      .filter((key) => known.has(key))
      .map(
        (key) =>
          `Expected no ${named(key)} where ${path.join(".")}.name is ${shown(name)}, got ${shown(valueAt(tree, key))}.`,
      );
  }
  const setting = settings.find(({ key }) => `${path.join(".")}.`.startsWith(`${key}.`));
  const key = setting?.key ?? path.join(".");
  const usual = setting === undefined ? "settings by name" : expectedOf(setting.kind);
  const expected = issue.code === "custom" ? issue.message : usual;
  return [`Expected ${expected} for ${named(key)}, got ${shown(valueAt(tree, key))}.`];
}
