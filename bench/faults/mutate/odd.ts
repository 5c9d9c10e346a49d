/** Values in files of text that nothing expects, and where they are put. */
import type { KeyedRandom } from "@salmask/torch";
import { pick } from "./bytes.js";

/** Values that no setting and no annotation expects. */
export const odd: readonly unknown[] = [
  null,
  true,
  "",
  "text",
  "a".repeat(200_000),
  -1,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  9e15,
  2 ** 31,
  65_535,
  [],
  {},
  [[]],
  [1, [2, [3]]],
  { a: { b: 1 } },
  "\u0000",
  "../../escaped",
  "/etc/passwd",
  "a/../../b\u0000.png",
  "NaN",
  "__proto__",
];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A copy with one value, at any depth, replaced, removed or moved to another name. */
export function withOdd(value: unknown, random: KeyedRandom): unknown {
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : isObject(value)
      ? Object.entries(value)
      : [];
  if (entries.length === 0 || random.integer(8) === 0) return pick(random, odd);
  const [key, inner] = pick(random, entries);
  const changed = withOdd(inner, random);
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? changed : item));
  const others = entries
    .filter(([name]) => name !== key)
    .map(([name, other]) => [String(name), other] as const);
  const name =
    random.integer(6) === 0 ? pick(random, ["__proto__", "constructor", "toString", ""]) : String(key);
  // An object made of entries keeps __proto__ as a name like any other.
  return Object.fromEntries(random.integer(10) === 0 ? others : [...others, [name, changed]]);
}

export type Text = (random: KeyedRandom) => string;
