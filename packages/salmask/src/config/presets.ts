/** Named recipes: YAML files of settings that are part of the package. Use them unchanged, or copy and edit them. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../base/errors.js";
import { parseYaml } from "../base/yaml.js";
import { isTree, type Tree } from "./tree.js";

const folder = fileURLToPath(new URL("../../presets", import.meta.url));

/** The names of all presets. */
export function presetNames(): string[] {
  return readdirSync(folder)
    .filter((file) => extname(file) === ".yaml")
    .map((file) => basename(file, ".yaml"))
    .sort();
}

/** The settings of a preset, not validated. Throws {@link UsageError} `no-preset` with the names of all presets. */
export function readPreset(name: string): Tree {
  if (!presetNames().includes(name)) {
    throw new UsageError(
      "no-preset",
      `Expected the name of a preset for --preset, got ${JSON.stringify(name)}. There are: ${presetNames().join(", ")}.`,
    );
  }
  const path = join(folder, `${name}.yaml`);
  const value = parseYaml(readFileSync(path, "utf8"), path);
  return isTree(value) ? value : {};
}
