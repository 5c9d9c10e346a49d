/** Settings of one kind of run, such as pre-training: what there is to set, and how files of older releases are read. */
import type { z } from "zod";
import type { Migration } from "./migrations.js";
import { type Setting, settingsOf } from "./setting.js";

/** What there is to set of a task, and how files of older releases are read. */
export interface SettingsKind<T> {
  /** Of the task that has these settings, such as `pretrain`. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  /** @internal Every setting, in the schema's order; of a choice between kinds, those of each. */
  settings(): readonly Setting[];
  /**
   * The version of the settings' names and meanings. It goes up when a setting is renamed, removed or changes its meaning,
   * with an entry in `migrations`; not for a new setting, which old files get by its default.
   */
  readonly version: number;
  /** @internal From each version to the next. */
  readonly migrations: Readonly<Record<number, Migration>>;
}

/** A kind of settings by its schema, all of whose settings have defaults. */
export function settingsKind<T>(
  name: string,
  schema: z.ZodType<T>,
  { version, migrations }: Pick<SettingsKind<T>, "version" | "migrations">,
): SettingsKind<T> {
  let found: readonly Setting[] | undefined;
  const settings = () => {
    found ??= settingsOf(schema);
    return found;
  };
  return { name, schema, settings, version, migrations };
}
