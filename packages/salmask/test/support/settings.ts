import { configSchema, pretrainSettings, type RunConfig } from "../../src/config/schema.js";
import { type Tree, valueAt } from "../../src/config/tree.js";

/** The names of all methods. */
export function methodNames(): readonly string[] {
  const setting = pretrainSettings.settings().find(({ key }) => key === "method.name");
  if (setting?.kind.kind !== "choice") throw new TypeError("Expected method.name to be a choice.");
  return setting.kind.choices;
}

/** Settings of each method, with and without occlusion. */
const chosen: readonly Tree[] = methodNames().flatMap((name) => [
  { method: { name } },
  { method: { name }, occlusion: { name: "adios" }, mask: { fill: "none" } },
]);

/** Settings in which the setting `key` occurs, one of each choice that has it, with all defaults. */
export function configsWith(key: string): { readonly given: Tree; readonly config: RunConfig }[] {
  return chosen
    .map((given) => ({ given, config: configSchema.parse(given) }))
    .filter(({ config }) => valueAt(config, key) !== undefined);
}
