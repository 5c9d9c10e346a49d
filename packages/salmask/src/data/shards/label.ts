/** The class of a photo in a shard, from the file beside it: `name.cls`, or `name.json`. */

/** Names of the fields of a `.json` that may hold the class, the first one that is there. */
const fields = ["cls", "label", "class"];
const longestClass = 256;

/** Larger files are not looked at: they hold more than a class. */
export const LONGEST_LABEL_FILE = 2 ** 20;

/** The kinds of files that hold a class, by the ending after the photo's key; the first one that is there counts. */
export const LABEL_FILES = ["cls", "json"] as const;
export type LabelFile = (typeof LABEL_FILES)[number];

/** The class in such a file, a number or a name as text; null where it has none. */
export function classIn(kind: LabelFile, content: Buffer): string | null {
  const text = content.toString("utf8");
  return kind === "cls" ? classOf(text) : classOf(valueIn(text));
}

function classOf(value: unknown): string | null {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string") return null;
  const trimmed = text.trim();
  return trimmed === "" || trimmed.length > longestClass ? null : trimmed;
}

function valueIn(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null) return null;
    const name = fields.find((field) => Object.hasOwn(json, field));
    return name === undefined ? null : Reflect.get(json, name);
  } catch {
    return null;
  }
}

/** Classes in their order: numbers by value where all are numbers, names by code units otherwise. */
export function sortClasses(classes: Iterable<string>): string[] {
  const all = [...classes];
  const areNumbers = all.every((name) => /^-?\d{1,15}$/.test(name));
  return all.sort((a, b) => (areNumbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
}
