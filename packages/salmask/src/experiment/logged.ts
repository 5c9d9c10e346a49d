/** Numbers that a run logged, for an experiment's table. */
import type { LogEntry } from "../base/events.js";

/** A number of a run's log, or the difference of two, as `queryVariance - keyVariance`. */
export interface LoggedNumber {
  readonly text: string;
  /** The names of its terms in the log. */
  readonly names: readonly string[];
}

/** Reads `NAME` or `NAME - NAME`; null for anything else. */
export function loggedNumber(text: string): LoggedNumber | null {
  const name = "([A-Za-z][\\w.]*)";
  const found = new RegExp(`^${name}(?: - ${name})?$`).exec(text);
  return found === null ? null : { text, names: found.slice(1).filter((term) => term !== undefined) };
}

/** The mean of the number over the last epoch in which the run logged it; null if it never did. */
export function loggedIn(entries: readonly LogEntry[], { names }: LoggedNumber): number | null {
  const terms = names.map((name) => {
    const known = entries.filter(({ logs }) => logs[name] !== undefined);
    const last = known.at(-1)?.epoch;
    const values = known.filter(({ epoch }) => epoch === last).map(({ logs }) => logs[name]);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  });
  const [first, second = 0] = terms;
  return first === null || second === null ? null : first - second;
}
