/** The kind of values that a setting accepts: how to parse them, and how error messages describe them. */

export type Kind =
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "number"; readonly isWhole: boolean; readonly expected: string }
  | { readonly kind: "numbers"; readonly expected: string }
  | { readonly kind: "truth" }
  | { readonly kind: "text" }
  | { readonly kind: "either"; readonly kinds: readonly Kind[] };

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
