/** Reads YAML from people and from other machines, with limits. */
import { createRequire } from "node:module";
import { messageOf, UsageError } from "./errors.js";

/** The largest number of aliases that a file may resolve; files of settings repeat a group a few times. */
const mostAliases = 200;
/** The largest nesting depth; settings have four levels. */
const deepest = 50;

/** Loading the parser takes a tenth of the time that help takes, and only files need it. */
function parser(): typeof import("yaml") {
  return createRequire(import.meta.url)("yaml");
}

/**
 * The value of a YAML text. Throws {@link UsageError} `bad-yaml` if the text is not YAML, if it has too many, circular
 * or undefined aliases, or if it has names that would change how JavaScript objects behave.
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
    throw refusal(from, messageOf(error), error);
  }
  const fault = faultIn(value, []);
  if (fault !== null) throw refusal(from, fault);
  return value;
}

/** YAML from which {@link parseYaml} reads the same value. */
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
