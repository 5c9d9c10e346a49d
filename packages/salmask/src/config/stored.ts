/** Settings in files: in a run's folder, in its checkpoints, beside the runs of an experiment. */
import { UsageError } from "../base/errors.js";
import { listed } from "../base/faults.js";
import { type Migration, migrate } from "./migrations.js";
import { configSchema, type RunConfig } from "./schema.js";
import type { Tree } from "./tree.js";

/**
 * The version of the names and meanings of settings. Increase it, with an entry in {@link migrations}, when a setting
 * is renamed, removed or changes its meaning. A new setting needs no new version, because old files get its default.
 */
export const settingsVersion = 2;

/**
 * The migration from each version to the next. Files of version 1 contain no version; their names are the same as in
 * version 2.
 */
const migrations: Readonly<Record<number, Migration>> = { 1: [] };

/** The settings of a file with current names, not validated. Throws the errors of {@link fromStored}. */
export function inCurrentNames(value: unknown, from: string): Tree {
  return migrate(value, { from, version: settingsVersion, migrations });
}

/** The settings in the form that files contain. */
export function toStored(config: RunConfig): Tree {
  return { version: settingsVersion, ...config };
}

/**
 * The settings of a file with the current or an older version. New settings get their defaults, and renamed ones their
 * new names. Throws {@link UsageError} `later-settings` for a file with a later version, and `bad-settings` if the
 * value is not a set of settings.
 *
 * @param from names the file in errors
 */
export function fromStored(value: unknown, from: string): RunConfig {
  const parsed = configSchema.safeParse(inCurrentNames(value, from));
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
