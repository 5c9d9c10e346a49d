import { readFileSync } from "node:fs";
import { closest } from "fastest-levenshtein";
import { parseDocument } from "yaml";
import type { z } from "zod";
import { UsageError } from "../base/errors.js";
import { configSchema, type RunConfig, settings } from "./schema.js";

/** A nest of settings, or one value. */
type Tree = Record<string, unknown>;

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Later trees win, key by key; lists are taken whole. */
function merge(trees: readonly Tree[]): Tree {
  const out: Tree = {};
  for (const tree of trees) {
    for (const [key, value] of Object.entries(tree)) {
      const before = out[key];
      out[key] = isTree(before) && isTree(value) ? merge([before, value]) : value;
    }
  }
  return out;
}

/** `{"train.epochs": 3}` to `{train: {epochs: 3}}`. */
function nest(flat: Readonly<Record<string, unknown>>): Tree {
  return merge(
    Object.entries(flat)
      .map(([key, value]) =>
        key
          .split(".")
          .reverse()
          .reduce<unknown>((inner, part) => ({ [part]: inner }), value),
      )
      .filter(isTree),
  );
}

/** The dotted keys of a nest, down to what is no nest. */
function keysOf(tree: Tree, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    isTree(value) && Object.keys(value).length > 0
      ? keysOf(value, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}

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
  return value;
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
    return [`${path}: ${issue.message}, but ${JSON.stringify(valueAt(tree, issue.path))} came`];
  }
  const known = settings().map(({ key }) => key);
  const name = valueAt(tree, [...issue.path, "name"]);
  return issue.keys
    .map((key) => `${path}.${key}`)
    .filter((key) => known.includes(key))
    .map((key) => `${key}: ${name} has no such setting`);
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    tree,
  );
}
