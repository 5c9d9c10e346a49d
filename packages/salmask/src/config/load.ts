import { readFileSync } from "node:fs";
import { closest } from "fastest-levenshtein";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { UsageError } from "../base/errors.js";
import { configSchema, type RunConfig, settings } from "./schema.js";
import { inCurrentNames } from "./stored.js";
import { isTree, keysOf, merge, type Tree, valueAt, withValue } from "./tree.js";

function readFile(path: string): Tree {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(
      "no-config",
      `Expected a YAML configuration at ${path}, but it cannot be read.`,
      error,
    );
  }
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new UsageError(
      "bad-yaml",
      `${path} is not YAML: ${document.errors[0].message}`,
      document.errors[0],
    );
  }
  const value: unknown = document.toJS() ?? {};
  if (!isTree(value))
    throw new UsageError("bad-yaml", `Expected settings in ${path}, but it holds ${typeof value}.`);
  // What a run wrote down says its version; what people write is in the names of today.
  return "version" in value ? inCurrentNames(value, path) : value;
}

/** `{"train.epochs": 3}` to `{train: {epochs: 3}}`. */
function nest(flat: Readonly<Record<string, unknown>>): Tree {
  return merge(Object.entries(flat).map(([key, value]) => withValue({}, key, value)));
}

function unknownKeys(tree: Tree): string[] {
  const known = settings().map(({ key }) => key);
  const isKnown = (key: string) => known.includes(key) || known.some((other) => other.startsWith(`${key}.`));
  return keysOf(tree)
    .filter((key) => !isKnown(key))
    .map((key) => `${key}: there is no such setting; did you mean ${closest(key, known)}?`);
}

/**
 * The configuration of a run: `base` under the YAML file (where one is named) under `options`, whose keys are dotted
 * (`train.epochs`). Throws {@link UsageError} `bad-config` that lists all faults at once.
 */
export function loadConfig(
  options: Readonly<Record<string, unknown>>,
  from: { file?: string; base?: Readonly<Record<string, unknown>> } = {},
): RunConfig {
  const tree = merge([
    nest(from.base ?? {}),
    ...(from.file === undefined ? [] : [readFile(from.file)]),
    nest(options),
  ]);
  const unknown = unknownKeys(tree);
  const parsed = configSchema.safeParse(tree);
  const invalid = parsed.success ? [] : parsed.error.issues.flatMap((issue) => faultsOf(issue, tree));
  const faults = [...unknown, ...invalid];
  if (faults.length > 0 || !parsed.success) {
    const source = from.file === undefined ? "the options" : `${from.file} and the options`;
    throw new UsageError(
      "bad-config",
      `The configuration from ${source} cannot be used:\n  ${faults.join("\n  ")}`,
    );
  }
  return parsed.data;
}

/** What an issue says to people. Keys that no kind of setting has are told apart already, by {@link unknownKeys}. */
function faultsOf(issue: z.core.$ZodIssue, tree: Tree): string[] {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") {
    return [`${path}: ${issue.message}, but ${JSON.stringify(valueAt(tree, path))} came`];
  }
  const known = settings().map(({ key }) => key);
  const name = valueAt(tree, `${path}.name`);
  return issue.keys
    .map((key) => `${path}.${key}`)
    .filter((key) => known.includes(key))
    .map((key) => `${key}: ${name} has no such setting`);
}
