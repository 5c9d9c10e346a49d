import { z } from "zod";
import type { Kind } from "./kind.js";

/** The kind of values that a schema accepts. */
export function kindOf(type: z.core.$ZodType): Kind {
  return kindOfJson(z.toJSONSchema(type, { io: "input" }));
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
