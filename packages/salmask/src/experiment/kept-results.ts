/** Results of finished runs in a file, so that an experiment can go on without their folders, or on another machine. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { z } from "zod";
import { DataError, messageOf } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import { whatIsLearned } from "../config/same-run.js";
import { localizerWeights } from "../saliency/open.js";
import type { Plan, Row } from "./plan.js";

/** The result of a run that ended well. Shares are 0 to 1. */
export interface DoneRun {
  kind: "done";
  row: string;
  seed: number;
  knn: number;
  linear: number;
  seconds: number;
  /** The plan's numbers of the run's log, by their texts; those that the run did not log are missing. */
  logs: Record<string, number>;
}

const share = z.number().min(0).max(1);
const keptSchema = z.strictObject({
  row: z.string(),
  seed: z.int().min(0),
  /** Equal for runs that learn and are scored in the same way. */
  key: z.string(),
  knn: share,
  linear: share,
  seconds: z.number(),
  logs: z.record(z.string(), z.number()),
  /** Where it ran, for people. */
  processor: z.string(),
});
type Kept = z.infer<typeof keptSchema>;

/** A run of a plan. */
export interface PlannedRun {
  readonly plan: Plan;
  readonly row: Row;
  readonly seed: number;
}

/**
 * Results by their settings. A result counts as long as what the run learned and how it was scored is what the plan says now, whatever
 * the row's name. Photos in a folder are not looked at: whoever keeps results of several machines sees to it that they had the same ones.
 */
export class KeptResults {
  /** Ends when the results that were added are in the file: two writes at once could leave out the later one's. */
  private written: Promise<void> = Promise.resolve();

  private constructor(
    private readonly path: string,
    private lines: ReadonlyMap<string, Kept>,
  ) {}

  /** Reads a file of one JSON document a line; a file that is not there is empty. Throws {@link DataError} `bad-results`. */
  static open(path: string): KeptResults {
    return new KeptResults(path, readLines(path));
  }

  /** The result of a run; null if the file has none. */
  find(run: PlannedRun): DoneRun | null {
    const line = this.lines.get(keyOf(run));
    if (line === undefined) return null;
    const { knn, linear, seconds, logs } = line;
    return { kind: "done", row: run.row.name, seed: run.seed, knn, linear, seconds, logs };
  }

  /** Adds the result of a run, and writes the file, with what other commands have added since. Throws {@link DataError} `bad-results`. */
  async add(run: PlannedRun, { row, seed, knn, linear, seconds, logs }: DoneRun): Promise<void> {
    const key = keyOf(run);
    const processor = cpus()[0]?.model ?? "unknown";
    const write = async () => {
      const line = { row, seed, key, knn, linear, seconds, logs, processor };
      this.lines = new Map([...readLines(this.path), [key, line]]);
      const texts = Array.from(this.lines.values(), (one) => `${JSON.stringify(one)}\n`);
      await writeFileAtomic(this.path, texts.join(""));
    };
    this.written = this.written.then(write, write);
    await this.written;
  }
}

/** The results in a file, by their keys. */
function readLines(path: string): Map<string, Kept> {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const lines = text
    .split("\n")
    .flatMap((line, i) => (line === "" ? [] : [readLine(line, `${path}, line ${i + 1}`)]));
  return new Map(lines.map((line) => [line.key, line]));
}

function readLine(line: string, place: string): Kept {
  try {
    return keptSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new DataError(
      "bad-results",
      `Expected the result of a run in ${place}, got: ${messageOf(error)}. Remove the line to run it again.`,
      error,
    );
  }
}

/** Of everything that a run's result depends on, but the photos of a folder. */
function keyOf({ plan, row, seed }: PlannedRun): string {
  const { protocol, lastEpochs, photos } = plan;
  const { source, weights = localizerWeights } = row.config.saliency;
  // A run refuses weights that are not there in its own words.
  const network = source === "scda" && existsSync(weights) ? sha256(readFileSync(weights)) : null;
  const pictures = photos.kind === "embedded" ? photos.options : null;
  const learned = whatIsLearned({ ...row.config, seed });
  return sha256(JSON.stringify({ learned, pictures, network, protocol, lastEpochs }));
}

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
