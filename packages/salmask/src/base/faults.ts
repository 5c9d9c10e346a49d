/** Lists of errors, cut to a readable length. */

const mostFaults = 20;
const longestValue = 100;

/** One error per line; only the first ones if there are many. */
export function listed(faults: readonly string[]): string {
  const left = faults.length - mostFaults;
  const lines = faults.slice(0, mostFaults);
  if (left > 0) lines.push(`... and ${left} more`);
  return lines.map((line) => `\n  ${line}`).join("");
}

/** A value for an error message: as JSON, shortened if it is long. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : jsonOf(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // What was parsed may be nested deeper than can be written, and whole numbers may be of a type that JSON does not have.
    return typeof value === "object" ? "groups within groups, too deep to show" : String(value);
  }
}
