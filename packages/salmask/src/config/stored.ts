/** Settings as files hold them: in a run's folder, in its checkpoints, beside an experiment's runs. */
import { UsageError } from "../base/errors.js";
import { listed } from "../base/faults.js";
import { type Migration, migrate } from "./migrations.js";
import { configSchema, type RunConfig } from "./schema.js";
import type { Tree } from "./tree.js";

/**
 * The version of the settings' names and meanings. It goes up when a setting is renamed, removed or changes its
 * meaning, with an entry in {@link migrations}; not for a new setting, which old files get by its default.
 */
export const settingsVersion = 2;

/**
 * What turns settings of a version into those of the next. Version 1 has no version in its files, and the names of
 * version 2.
 */
const migrations: Readonly<Record<number, Migration>> = { 1: [] };

/** The settings of a file in the names of this version, not checked yet. Throws as {@link fromStored} does. */
export function inCurrentNames(value: unknown, from: string): Tree {
  return migrate(value, { from, version: settingsVersion, migrations });
}

/** The settings as they go into a file. */
export function toStored(config: RunConfig): Tree {
  return { version: settingsVersion, ...config };
}

/**
 * The settings that a file holds, of this version or an older one: what is new since gets its default, what was
 * renamed its new name. Throws {@link UsageError} `later-settings` for a file of a later version, `bad-settings` for
 * what is no settings.
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
