/** Results of finished runs in a file, so that an experiment can go on without their folders, or on another machine. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { z } from "zod";
import { DataError, messageOf } from "../base/errors.js";
import { statusOf, writeFileAtomic } from "../base/files.js";
import { computeOf } from "../compute/compute.js";
import { whatIsLearned } from "../config/same-run.js";
import type { RunConfig } from "../config/schema.js";
import { asMeantHere } from "../runs/same-run.js";
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
  /** The numbers that were asked for; null for those that the run never logged. */
  logs: z.record(z.string(), z.number().nullable()),
  /** Where it ran, for people. */
  processor: z.string(),
  /** Which version drew its pictures; null of photos in a folder. Lines of before this was written down lack it. */
  drawn: z.string().nullable().optional(),
});
type Kept = z.infer<typeof keptSchema>;

/** A run of a plan. */
export interface PlannedRun {
  readonly plan: Plan;
  readonly row: Row;
  readonly seed: number;
  /** Which version draws the embedded set here, if that is known; null for photos in a folder. Default: null. */
  readonly drawn?: string | null;
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
    if (line === undefined || isDrawnOtherwise(line, run) || !hasNumbers(line, run)) return null;
    const { knn, linear, seconds } = line;
    const logs = Object.fromEntries(
      Object.entries(line.logs).flatMap(([text, value]) => (value === null ? [] : [[text, value]])),
    );
    return { kind: "done", row: run.row.name, seed: run.seed, knn, linear, seconds, logs };
  }

  /** Adds the result of a run, and writes the file, with what other commands have added since. Throws {@link DataError} `bad-results`. */
  async add(run: PlannedRun, { row, seed, knn, linear, seconds, logs }: DoneRun): Promise<void> {
    const key = keyOf(run);
    const processor = cpus()[0]?.model ?? "unknown";
    const asked = Object.fromEntries(run.plan.logs.map(({ text }) => [text, null]));
    const { drawn = null } = run;
    const write = async () => {
      const line = { row, seed, key, knn, linear, seconds, logs: { ...asked, ...logs }, processor, drawn };
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

const isDrawnOtherwise = (line: Kept, { drawn = null }: PlannedRun) =>
  (line.drawn ?? null) !== null && drawn !== null && line.drawn !== drawn;

/** Whether a line says of every number that the plan asks for what the run logged: a mean over some of a row's runs would be wrong. */
function hasNumbers({ logs, drawn }: Kept, { plan }: PlannedRun): boolean {
  const lacks = plan.logs.some(({ text }) => logs[text] === undefined);
  // Lines of before left out what was not logged, such as the overlap with true masks of a run without maps. One without any number may be
  // such a line.
  return !lacks || (drawn === undefined && Object.keys(logs).length === 0);
}

/** The settings with the precision that auto means here. A GPU that they require and that is not there, a run refuses in its own words. */
function meant(config: RunConfig): RunConfig {
  if (config.precision !== "auto") return config;
  return asMeantHere(config, computeOf(config, config.device === "cuda" ? { cudaIsThere: true } : {}));
}

/** Of everything that a run's result depends on, but the photos of a folder, and how pictures are drawn. */
function keyOf({ plan, row, seed }: PlannedRun): string {
  const { protocol, lastEpochs, photos } = plan;
  const { source, weights = localizerWeights } = row.config.saliency;
  const network = source === "scda" ? hashOfWeights(weights) : null;
  const pictures = photos.kind === "embedded" ? photos.options : null;
  const learned = whatIsLearned({ ...meant(row.config), seed });
  return sha256(JSON.stringify({ learned, pictures, network, protocol, lastEpochs }));
}

const hashes = new Map<string, string>();

/** Null where there is no file: a run refuses that in its own words. A file is read again when it has changed. */
function hashOfWeights(path: string): string | null {
  const status = statusOf(path);
  if (status === undefined) return null;
  const version = JSON.stringify([path, status.size, status.mtimeMs]);
  const hash = hashes.get(version) ?? sha256(readFileSync(path));
  hashes.set(version, hash);
  return hash;
}

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
