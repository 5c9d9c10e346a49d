import { Command, CommanderError } from "commander";
import { InterruptedError, UsageError } from "../base/errors.js";
import { Output, type Streams } from "./output.js";

/** The state that the action of every command gets. */
export interface Context {
  /** The whole command line. */
  argv: readonly string[];
  streams: Streams;
  /** Aborted by the first interrupt after the work has started. */
  signal: AbortSignal;
  /**
   * Whether work has started that must end properly after an interrupt. Before that an interrupt ends the process at
   * once.
   */
  isWorking: boolean;
  /** Set by an action that fails; otherwise 0. */
  exitCode: number;
}

/** The options of a command, under their names in camel case or under the dotted key of a setting. */
export type Options = Record<string, unknown>;

export const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * A command whose action gets its arguments, its options and an {@link Output}. An error in the action becomes a
 * message and an exit code. An action imports its modules through {@link begin}, so that help and rejected options do
 * not load the engine.
 */
export function command(
  context: Context,
  action: (args: string[], options: Options, output: Output) => Promise<void>,
): Command {
  const made = new Command()
    .option("--json", "one JSON document on standard output, text for people on standard error")
    .exitOverride()
    .configureOutput({ writeOut: context.streams.out, writeErr: context.streams.err });
  made.action(async () => {
    const options: Options = made.opts();
    const output = new Output(context.streams, options.json === true);
    const args = made.processedArgs.flat().filter((arg): arg is string => typeof arg === "string");
    try {
      await action(args, options, output);
    } catch (error) {
      if (error instanceof CommanderError) throw error;
      context.exitCode = output.failure(error);
    }
  });
  return made;
}

/** Adds examples to a command's help, one per line. */
export function withExamples(made: Command, ...examples: string[]): Command {
  const lines = examples.map((example) => `  npx salmask ${example}\n`).join("");
  return made.addHelpText("after", `\nExamples:\n${lines}`);
}

/** Waits for the modules that do the work. After this the work must handle interrupts. */
export async function begin<T>(context: Context, modules: Promise<T>): Promise<T> {
  const loaded = await modules;
  // Loading the engine blocks the event loop; this gives an interrupt from that time a chance to arrive.
  await new Promise(setImmediate);
  if (context.signal.aborted) throw new InterruptedError("Stopped before anything was started.");
  context.isWorking = true;
  return loaded;
}

/** The value of a text option; undefined if it was not given. */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

/** The value of a text option that is required or has a default. */
export function requiredText(options: Options, name: string): string {
  const text = textOption(options, name);
  if (text === undefined) throw new Error(`Expected --${dashed(name)} to be required or to have a default.`);
  return text;
}

/** The value of an option with a whole number of at least `least`. Throws {@link UsageError}. */
export function countOption(
  options: Options,
  name: string,
  fallback: number,
  { least = 1, most = Number.MAX_SAFE_INTEGER }: { least?: number; most?: number } = {},
): number {
  const text = textOption(options, name);
  if (text === undefined) return fallback;
  const count = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(count) || count < least || count > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
    throw new UsageError(
      "bad-option",
      `Expected a whole number ${range} for --${dashed(name)}, got ${JSON.stringify(text)}.`,
    );
  }
  return count;
}

const unitSeconds = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
]);

/** Longer timers of Node ring at once. */
const mostSeconds = (2 ** 31 - 1) / 1000;

/** The value of an option with a duration, such as `90s`, `10m` or `2h`, in seconds. Throws {@link UsageError}. */
export function secondsOption(options: Options, name: string, fallback: string): number {
  const text = textOption(options, name) ?? fallback;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (unitSeconds.get(unit) ?? Number.NaN);
  if (!(seconds > 0 && seconds <= mostSeconds)) {
    const wanted =
      seconds > 0 ? `at most ${Math.floor(mostSeconds / 3600)}h` : "a duration such as 90s, 10m or 2h";
    throw new UsageError(
      "bad-option",
      `Expected ${wanted} for --${dashed(name)}, got ${JSON.stringify(text)}.`,
    );
  }
  return seconds;
}
