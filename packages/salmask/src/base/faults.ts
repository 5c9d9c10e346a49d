/** Lists of what is wrong, short enough to read however much is wrong. */

const mostFaults = 20;
const longestValue = 100;

/** One fault a line, the first of many. */
export function listed(faults: readonly string[]): string {
  const left = faults.length - mostFaults;
  const lines = faults.slice(0, mostFaults);
  if (left > 0) lines.push(`... and ${left} more`);
  return lines.map((line) => `\n  ${line}`).join("");
}

/** A value as a message shows what it got: as JSON, cut where it is long. */
export function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text;
}
