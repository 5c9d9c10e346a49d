/** Settings in files: in a run's folder, in its checkpoints, beside the runs of an experiment. */
import { UsageError } from "../base/errors.js";
import { listed, shown } from "../base/faults.js";
import { migrate } from "./migrations.js";
import { pretrainSettings } from "./schema.js";
import type { SettingsKind } from "./settings-kind.js";
import { isTree, type Tree } from "./tree.js";

/** The name of the kind of settings that were read from a file. Files of pre-training do not name theirs. */
export const kindNameOf = ({ task = pretrainSettings.name }: Tree): string => String(task);

/** The settings of a file in the names of this version, not checked yet. Throws as {@link fromStored} does. */
export function inCurrentNames<T>(kind: SettingsKind<T>, value: unknown, from: string): Tree {
  const { task: _, ...settings } = isTree(value) ? value : {};
  const name = isTree(value) ? kindNameOf(value) : kind.name;
  if (name !== kind.name) {
    throw new UsageError(
      "bad-settings",
      `Expected the settings of a run of ${kind.name} in ${from}, got those of ${shown(name)}.`,
    );
  }
  const { version, migrations } = kind;
  return migrate(isTree(value) ? settings : value, { from, version, migrations });
}

/** The settings as they go into a file. */
export function toStored<T extends object>(kind: SettingsKind<T>, config: T): Tree {
  const task = kind.name === pretrainSettings.name ? {} : { task: kind.name };
  return { version: kind.version, ...task, ...config };
}

/**
 * The settings that a file holds, of this version or an older one: what is new since gets its default, what was
 * renamed its new name. Throws {@link UsageError} `later-settings` for a file of a later version, `bad-settings` for
 * what is no settings, or another task's.
 *
 * @param from names the file in errors
 */
export function fromStored<T>(kind: SettingsKind<T>, value: unknown, from: string): T {
  const parsed = kind.schema.safeParse(inCurrentNames(kind, value, from));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "settings"}: ${message}`,
  );
  throw new UsageError(
    "bad-settings",
    `Expected the settings of a run in ${from}, got some that cannot be used:${listed(faults)}`,
    parsed.error,
  );
}
