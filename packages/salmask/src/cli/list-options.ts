/** Options that can be given several times. */
import type { Command } from "commander";
import type { Options } from "./command.js";

/** Adds the option that names folders of sets. */
export function toOption(made: Command): void {
  made.option(
    "--to <dir>",
    "a set to measure on, as DIR or NAME=DIR (NAME of a plan's set gives it its folder); as often as needed",
    gathered,
  );
}

/** Collects the values of an option that is given several times. */
export function gathered(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? before : []), value];
}

/** The values of an option that can be given several times. */
export function listOption(options: Options, name: string): string[] {
  const value = options[name];
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : [];
}
