/** Converts settings of an older version to the current one, one version at a time. */
import { UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { isTree, type Tree, valueAt, without, withValue } from "./tree.js";

/** One renamed setting, by dotted keys; `to` is null if the setting was removed. */
export interface Renaming {
  readonly from: string;
  readonly to: string | null;
}

/** Converts settings of one version to the next. A function can make any other change. */
export type Migration = readonly Renaming[] | ((settings: Tree) => Tree);

export interface Migrations {
  /** The target version. */
  readonly version: number;
  /** For each version, the migration to the next one. */
  readonly migrations: Readonly<Record<number, Migration>>;
  /** Names the file in errors. */
  readonly from: string;
}

/**
 * The settings with the names of `version`, without the version number. A file without a version has version 1. Throws
 * {@link UsageError} `later-settings`, `bad-settings`.
 */
export function migrate(value: unknown, { version, migrations, from }: Migrations): Tree {
  if (!isTree(value)) {
    throw new UsageError("bad-settings", `Expected the settings of a run in ${from}, got ${shown(value)}.`);
  }
  const { version: found = 1, ...settings } = value;
  if (typeof found !== "number" || !Number.isInteger(found) || found < 1) {
    throw new UsageError(
      "bad-settings",
      `Expected a whole number from 1 for the version of the settings in ${from}, got ${shown(found)}.`,
    );
  }
  if (found > version) {
    throw new UsageError(
      "later-settings",
      `Expected settings of version ${version} or earlier in ${from}, got version ${found}, of a later Salmask. ` +
        "Update Salmask, or use the one that wrote the file.",
    );
  }
  let tree: Tree = settings;
  for (let step = found; step < version; step++) {
    const migration = migrations[step] ?? [];
    tree = typeof migration === "function" ? migration(tree) : migration.reduce(rename, tree);
  }
  return tree;
}

function rename(settings: Tree, { from, to }: Renaming): Tree {
  const value = valueAt(settings, from);
  if (value === undefined) return settings;
  const rest = without(settings, from);
  return to === null ? rest : withValue(rest, to, value);
}
