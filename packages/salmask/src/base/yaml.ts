/** YAML that people and other machines wrote, read with care. */
import { createRequire } from "node:module";
import { UsageError } from "./errors.js";

/** Aliases that a file may resolve to; files of settings repeat a group a few times. */
const mostAliases = 200;
/** Nests within nests; settings have four. */
const deepest = 50;

/** The parser takes a tenth of what help takes to start, and only files need it. */
function parser(): typeof import("yaml") {
  return createRequire(import.meta.url)("yaml");
}

/**
 * The value of a YAML text. Throws {@link UsageError} `bad-yaml` for a text that is no YAML, for aliases that are too
 * many, go in circles or lead nowhere, and for names that would change how values behave.
 *
 * @param from names the text in errors
 */
export function parseYaml(text: string, from: string): unknown {
  let value: unknown;
  try {
    const document = parser().parseDocument(text, { logLevel: "error" });
    if (document.errors.length > 0) throw document.errors[0];
    value = document.toJS({ maxAliasCount: mostAliases });
  } catch (error) {
    throw refusal(from, error instanceof Error ? error.message : String(error), error);
  }
  const fault = faultIn(value, []);
  if (fault !== null) throw refusal(from, fault);
  return value;
}

/** YAML that {@link parseYaml} reads back as it was. */
export function stringifyYaml(value: unknown): string {
  return parser().stringify(value);
}

function refusal(from: string, why: string, cause?: unknown): UsageError {
  return new UsageError(
    "bad-yaml",
    `Expected YAML in ${from}, got a fault: ${why.trim().slice(0, 500)}`,
    cause,
  );
}

function faultIn(value: unknown, around: readonly unknown[]): string | null {
  if (typeof value !== "object" || value === null) return null;
  if (around.includes(value)) return "an alias that stands for a group it is in";
  if (around.length >= deepest) return `groups within groups, more than ${deepest} deep`;
  if (Object.hasOwn(value, "__proto__")) return "the name __proto__, which no setting has";
  for (const inner of Object.values(value)) {
    const fault = faultIn(inner, [...around, value]);
    if (fault !== null) return fault;
  }
  return null;
}
