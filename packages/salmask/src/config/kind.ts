/** The kind of values that a setting accepts: how to parse them, and how error messages describe them. */
import { z } from "zod";

export type Kind =
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "number"; readonly isWhole: boolean; readonly expected: string }
  | { readonly kind: "numbers"; readonly expected: string }
  | { readonly kind: "truth" }
  | { readonly kind: "text" }
  | { readonly kind: "either"; readonly kinds: readonly Kind[] };

/** The kind of values that a schema accepts. */
export function kindOf(type: z.core.$ZodType): Kind {
  return kindOfJson(z.toJSONSchema(type, { io: "input" }));
}

/** A description of a kind of values: `a whole number from 8 to 1024`. */
export function expectedOf(kind: Kind): string {
  switch (kind.kind) {
    case "choice":
      return kind.choices.length === 1 ? kind.choices[0] : `one of ${kind.choices.join(", ")}`;
    case "number":
    case "numbers":
      return kind.expected;
    case "truth":
      return "true or false";
    case "text":
      return "a text";
    case "either":
      return kind.kinds.map(expectedOf).join(" or ");
  }
}

/** The placeholder for a value in a command's help: `n`, `a,b`, `auto|n`. */
export function placeholderOf(kind: Kind): string {
  switch (kind.kind) {
    case "choice":
      return kind.choices.length === 1 ? kind.choices[0] : "name";
    case "number":
      return kind.isWhole ? "n" : "x";
    case "numbers":
      return "a,b";
    case "truth":
      return "true|false";
    case "text":
      return "text";
    case "either":
      return kind.kinds.map(placeholderOf).join("|");
  }
}

/**
 * The value of a text on the command line. A text that is no valid value is returned unchanged, so that the schema
 * reports it together with all other errors.
 */
export function parseText(kind: Kind, text: string): unknown {
  switch (kind.kind) {
    case "choice":
    case "text":
      return text;
    case "number":
      return numberOf(text) ?? text;
    case "numbers": {
      const numbers = text
        .replace(/^\s*\[(.*)\]\s*$/, "$1")
        .split(",")
        .map(numberOf);
      return numbers.includes(null) ? text : numbers;
    }
    case "truth":
      return text === "true" || (text === "false" ? false : text);
    case "either": {
      const values = kind.kinds.map((one) => parseText(one, text));
      return values.find((value) => value !== text) ?? text;
    }
  }
}

/** The kind of a setting that occurs in several kinds of a union: it accepts the values of both. */
export function either(one: Kind, other: Kind): Kind {
  if (one.kind === "choice" && other.kind === "choice") {
    return { kind: "choice", choices: [...new Set([...one.choices, ...other.choices])] };
  }
  return one;
}

function numberOf(text: string): number | null {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : null;
}

function kindOfJson(schema: z.core.JSONSchema._JSONSchema): Kind {
  if (typeof schema === "boolean") return { kind: "text" };
  const { type, enum: choices, const: only, anyOf, expected } = schema;
  if (anyOf !== undefined) return { kind: "either", kinds: anyOf.map(kindOfJson) };
  if (only !== undefined) return { kind: "choice", choices: [String(only)] };
  if (choices !== undefined) return { kind: "choice", choices: choices.map(String) };
  if (type === "boolean") return { kind: "truth" };
  if (type === "array") {
    const [first] = schema.prefixItems ?? [];
    const usual = first === undefined || typeof first === "boolean" ? "" : limits(first);
    return {
      kind: "numbers",
      expected: typeof expected === "string" ? expected : `two numbers${usual}, as 0.1,0.4`,
    };
  }
  if (type === "number" || type === "integer") {
    const isWhole = type === "integer";
    const usual = `a ${isWhole ? "whole " : ""}number${limits(schema)}`;
    return { kind: "number", isWhole, expected: typeof expected === "string" ? expected : usual };
  }
  return { kind: "text" };
}

/** ` from 8 to 1024`, without limits that come only from the number type. */
function limits({ minimum, maximum, exclusiveMinimum }: z.core.JSONSchema.JSONSchema): string {
  const least = minimum === undefined || minimum < -(2 ** 31) ? "" : ` from ${minimum}`;
  const above = exclusiveMinimum === undefined ? "" : ` above ${exclusiveMinimum}`;
  const most = maximum === undefined || maximum >= 2 ** 31 - 1 ? "" : ` to ${maximum}`;
  return `${least}${above}${most}`;
}
