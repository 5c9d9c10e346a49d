/** Named recipes: YAML files of settings that are part of the package. Use them unchanged, or copy and edit them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../base/errors.js";
import { parseYaml } from "../base/yaml.js";
import type { SettingsKind } from "./settings-kind.js";
import { isTree, type Tree } from "./tree.js";

/** A kind of settings has its presets in the folder of its name. */
type Named = Pick<SettingsKind<unknown>, "name">;

const folderOf = ({ name }: Named) => fileURLToPath(new URL(`../../presets/${name}`, import.meta.url));

/** The names of a kind's presets; none where it has none. */
export function presetNames(kind: Named): string[] {
  const folder = folderOf(kind);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => extname(file) === ".yaml")
    .map((file) => basename(file, ".yaml"))
    .sort();
}

/** The settings of a preset, not validated. Throws {@link UsageError} `no-preset` with the names of all presets. */
export function readPreset(kind: Named, name: string): Tree {
  const names = presetNames(kind);
  if (!names.includes(name)) {
    throw new UsageError(
      "no-preset",
      `Expected the name of a preset for --preset, got ${JSON.stringify(name)}. There are: ${names.join(", ")}.`,
    );
  }
  const path = join(folderOf(kind), `${name}.yaml`);
  const value = parseYaml(readFileSync(path, "utf8"), path);
  return isTree(value) ? value : {};
}
