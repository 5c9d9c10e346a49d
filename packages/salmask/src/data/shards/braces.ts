/** Names of many shards in one text, as shells write them: `{000..099}` and `{a,b}`. */
import { UsageError } from "../../base/errors.js";

/** More names than this are refused. */
const mostNames = 1_000_000;

/** Whether the text has braces that are expanded. */
export const hasBraces = (text: string): boolean => /\{[^{}]*(?:,|\.\.)[^{}]*\}/.test(text);

/**
 * All names that a text stands for, in order: `{008..010}` counts with as many digits as its ends have, `{a,b}` lists. The last
 * braces change fastest. Throws a {@link UsageError} `bad-shards` for more than a million names.
 */
export function expandBraces(text: string): string[] {
  const found = /^(.*?)\{([^{}]*(?:,|\.\.)[^{}]*)\}(.*)$/s.exec(text);
  if (found === null) return [text];
  const [, before, inside, after] = found;
  const rest = expandBraces(after);
  const choices = choicesOf(inside);
  if (choices.length * rest.length > mostNames) throw tooMany(text);
  return choices.flatMap((choice) => rest.map((end) => `${before}${choice}${end}`));
}

function choicesOf(inside: string): string[] {
  const [, first, last] = /^(\d{1,15})\.\.(\d{1,15})$/.exec(inside) ?? [];
  if (first === undefined) {
    if (!inside.includes(","))
      throw new UsageError(
        "bad-shards",
        `Expected a range such as {000..099} in the shards, got {${inside}}.`,
      );
    return inside.split(",");
  }
  const [from, to] = [Number(first), Number(last)];
  const length = Math.abs(to - from) + 1;
  if (length > mostNames) throw tooMany(`{${inside}}`);
  const digits = first.startsWith("0") || last.startsWith("0") ? Math.max(first.length, last.length) : 0;
  const step = from <= to ? 1 : -1;
  return Array.from({ length }, (_, i) => String(from + step * i).padStart(digits, "0"));
}

const tooMany = (text: string) =>
  new UsageError("bad-shards", `Expected at most ${mostNames} shards, got more by ${text.slice(0, 100)}.`);
