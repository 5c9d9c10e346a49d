/** Turns settings of an older version into those of a newer one, a version at a time. */
import { UsageError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import { isTree, type Tree, valueAt, without, withValue } from "./tree.js";

/** What became of one setting, by dotted keys; `to` is null where it is no more. */
export interface Renaming {
  readonly from: string;
  readonly to: string | null;
}

/** What makes settings of one version into settings of the next. A function may change them in any other way. */
export type Migration = readonly Renaming[] | ((settings: Tree) => Tree);

export interface Migrations {
  /** The version that is wanted. */
  readonly version: number;
  /** From each version to the next. */
  readonly migrations: Readonly<Record<number, Migration>>;
  /** Names the file in errors. */
  readonly from: string;
}

/**
 * The settings in the names of `version`, without a version of their own. A file without a version is of version 1.
 * Throws {@link UsageError} `later-settings`, `bad-settings`.
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
