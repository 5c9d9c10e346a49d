import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { LogEntry } from "../base/events.js";
import { writeFileAtomic } from "../base/files.js";
import { stages } from "../base/stage-clock.js";
import { isTree } from "../config/tree.js";

const seconds = z.number();
const secondsSchema = z
  .object({
    data: seconds,
    augmentation: seconds,
    saliency: seconds,
    masking: seconds,
    forward: seconds,
    backward: seconds,
    optimizer: seconds,
    knn: seconds.optional(),
  })
  .nullable()
  .default(null);

const entrySchema = z.object({
  step: z.int(),
  epoch: z.int(),
  time: z.string().nullable(),
  lr: z.number(),
  imagesPerSecond: z.number(),
  seconds: secondsSchema,
  logs: z.record(z.string(), z.number()),
});

const share = z.number().nullable().default(null);

/** A line from earlier releases: a fixed set of numbers; missing ones are null. */
const earlierSchema = z
  .object({
    epoch: z.int(),
    step: z.int(),
    lr: z.number(),
    imagesPerSecond: z.number(),
    seconds: secondsSchema,
    loss: z.number(),
    contrastAccuracy: z.number(),
    maskedShare: z.number(),
    queueFill: share,
    foregroundShare: share,
    allForegroundShare: share,
    embedding: z.record(z.string(), z.number()).nullable().default(null),
    agreement: z.record(z.string(), z.number()).nullable().default(null),
    branchVariance: z.object({ query: z.number(), key: z.number() }).nullable().default(null),
  })
  .transform(
    ({
      epoch,
      step,
      lr,
      imagesPerSecond,
      seconds,
      embedding,
      agreement,
      branchVariance,
      ...numbers
    }): LogEntry => {
      const variance =
        branchVariance === null
          ? {}
          : { queryVariance: branchVariance.query, keyVariance: branchVariance.key };
      const logs = { ...numbers, ...embedding, ...agreement, ...variance };
      const known = Object.entries(logs).filter((pair): pair is [string, number] => pair[1] !== null);
      return { step, epoch, time: null, lr, imagesPerSecond, seconds, logs: Object.fromEntries(known) };
    },
  );

const lineSchema: z.ZodType<LogEntry> = z.union([entrySchema, earlierSchema]);

/** A line of a log, of this release or an earlier one; null where it is none, as one that was cut off. */
export function parseLogLine(line: string): LogEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  // A log can have a hundred thousand lines, and a schema takes ten times as long as reading them does.
  if (isEntry(value)) return value;
  return lineSchema.safeParse(value).data ?? null;
}

function isEntry(value: unknown): value is LogEntry {
  if (!isTree(value)) return false;
  const { step, epoch, lr, imagesPerSecond, time, seconds, logs } = value;
  return (
    [step, epoch, lr, imagesPerSecond].every((number) => typeof number === "number") &&
    (time === null || typeof time === "string") &&
    (seconds === null || (isNumbers(seconds) && stages.every((stage) => stage in seconds))) &&
    isNumbers(logs)
  );
}

const isNumbers = (value: unknown): value is Record<string, number> =>
  isTree(value) && Object.values(value).every((number) => typeof number === "number");

/** The log of a run, one line of JSON per logged step. Readers ignore an incomplete last line. */
export class MetricsLog {
  constructor(readonly path: string) {}

  /** Writes a line. */
  append(entry: LogEntry): void {
    appendFileSync(this.path, `${JSON.stringify(entry)}\n`);
  }

  /** The lines in order, including those of earlier releases, without what is no line of a log, as an incomplete last one. */
  read(): LogEntry[] {
    if (!existsSync(this.path)) return [];
    return readFileSync(this.path, "utf8")
      .split("\n")
      .map(parseLogLine)
      .filter((entry) => entry !== null);
  }

  /** Removes the lines after `step`, which a resumed run writes again, and an incomplete last line. */
  async rewindTo(step: number): Promise<void> {
    if (!existsSync(this.path)) return;
    const kept = readFileSync(this.path, "utf8")
      .split("\n")
      .filter((line) => stepOf(line) <= step);
    await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(""));
  }
}

function stepOf(line: string): number {
  try {
    const value: unknown = JSON.parse(line);
    const step: unknown =
      typeof value === "object" && value !== null ? Reflect.get(value, "step") : undefined;
    return typeof step === "number" ? step : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
