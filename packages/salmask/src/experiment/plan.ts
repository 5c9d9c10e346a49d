/** The file of an experiment: a grid of runs with seeds. It is checked completely before the first run starts. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../base/errors.js";
import { listed, shown } from "../base/faults.js";
import { slugOf } from "../base/slug.js";
import { parseYaml } from "../base/yaml.js";
import { loadConfig } from "../config/load.js";
import type { RunConfig } from "../config/schema.js";
import { difficulties } from "../data/embedded/settings.js";
import { usualLastEpochs } from "../runs/last-epochs.js";
import type { LinearProtocol } from "../tasks/probe/probe.js";
import { setsOf, type TransferPlan } from "../transfer/plan.js";
import { sectionSchema } from "../transfer/plan-schema.js";
import { type DecidePlan, decideFaults, decideSchema } from "./hypotheses.js";
import { type LoggedNumber, loggedNumber } from "./logged.js";

const settingsSchema = z.record(z.string(), z.unknown());

const embeddedSchema = z.strictObject({
  train: z.int().min(1).default(2000).describe("pictures to learn from"),
  test: z.int().min(1).default(500).describe("pictures to score on"),
  size: z.int().min(32).max(512).default(64).describe("their side in pixels"),
  difficulty: z.enum(difficulties).default("hard"),
  seed: z
    .int()
    .min(0)
    .default(0)
    .describe("of the pictures; another one makes others, to choose settings on"),
});

const rowSchema = z.strictObject({
  name: z.string().min(1),
  paper: z.number().optional().describe("what the paper reports, in percent"),
  set: settingsSchema.default({}).describe("settings of this row, over those of base"),
  comparedWith: z
    .string()
    .optional()
    .describe("the row that differences are taken to; default: the first one"),
  at: z.union([z.string(), z.number()]).optional().describe("the row's place on the axis of a curve"),
  curve: z.string().optional().describe("the curve that the row belongs to, if there are several"),
  sameSecondsAs: z
    .string()
    .optional()
    .describe("another row, whose time this row gets: its epochs are chosen by measured steps of both"),
});

const planSchema = z.strictObject({
  question: z.string().min(1).optional().describe("what the experiment asks"),
  hypothesis: z.string().min(1).optional().describe("the expected answer"),
  name: z.string().min(1).describe("the table's title"),
  photos: z
    .union([z.string(), z.strictObject({ embedded: embeddedSchema })])
    .optional()
    .describe("unlabelled photos, by path from this file, or the embedded set; or named on the command line"),
  probe: z
    .string()
    .optional()
    .describe("labelled photos, by path from this file; of the embedded set its own"),
  seeds: z.array(z.int().min(0)).min(1).default([0]),
  protocol: z.enum(["fast", "paper"]).default("fast").describe("of the linear probe"),
  measure: z
    .enum(["linear", "knn"])
    .default("linear")
    .describe("what the plot shows and differences are taken of"),
  lastEpochs: z
    .int()
    .min(1)
    .default(usualLastEpochs)
    .describe("epochs at the end of training whose encoders are scored; a run's score is the mean over them"),
  decide: decideSchema
    .optional()
    .describe("hypotheses about rows, and after how many seeds they are decided"),
  base: settingsSchema.default({}).describe("settings of every run"),
  tell: z
    .number()
    .positive()
    .optional()
    .describe("difference in points that the number of seeds is given for; default: the one that was seen"),
  logs: z
    .array(z.string())
    .default([])
    .describe("numbers of the runs' logs to show beside the scores: NAME, or NAME - NAME"),
  against: z.string().optional().describe("one of logs, which the plot shows the score against"),
  axis: z.string().optional().describe("the title of the axis that rows have their places on"),
  rows: z.array(rowSchema).min(1),
  transfer: sectionSchema.optional().describe("sets that every row is measured on too"),
});

export type Photos =
  | { kind: "folder"; photos: string; probe: string }
  | { kind: "embedded"; options: z.infer<typeof embeddedSchema> };

export interface Row {
  name: string;
  /** The name in a form for folders. */
  slug: string;
  /** The result in the paper, in percent; null if the paper has no such row. */
  paper: number | null;
  /** The configuration with the first seed. */
  config: RunConfig;
  /** The name of the row that differences are taken to; null for the first row. */
  comparedWith: string | null;
  /** The place on the axis of a curve; null if the row is none of its points. */
  at: string | null;
  /** The name of the row's curve; empty where there is one. */
  curve: string;
  /** The name of the row whose time this one gets; null if its own settings say how long it trains. */
  sameSecondsAs: string | null;
}

export interface Plan {
  name: string;
  question: string | null;
  hypothesis: string | null;
  photos: Photos;
  seeds: number[];
  protocol: LinearProtocol;
  measure: "linear" | "knn";
  /** Epochs at the end of training over whose encoders a run's scores are means. */
  lastEpochs: number;
  /** null for an experiment without hypotheses. */
  decide: DecidePlan | null;
  /** In percentage points; null: the difference that was seen. */
  tell: number | null;
  /** Numbers of the runs' logs that the table shows. */
  logs: LoggedNumber[];
  /** The one of {@link logs} that the plot shows the score against; null: none. */
  against: LoggedNumber | null;
  /** The title of the axis that rows have their places on. */
  axis: string;
  rows: Row[];
  /** Where the rows are measured too, and whether beside the same networks untrained; null: nowhere. */
  transfer: Pick<TransferPlan, "sets" | "random"> | null;
}

/** Photos from the command line, which replace those of the file. */
export interface GivenPhotos {
  photos?: string;
  probe?: string;
  /** Folders of the sets of `transfer`, as `NAME=DIR`. */
  to?: readonly string[];
}

/** Reads the file of an experiment. Throws {@link UsageError} `bad-experiment` with all errors at once. */
export function readPlan(path: string, onCommandLine: GivenPhotos = {}): Plan {
  if (!existsSync(path)) {
    throw new UsageError(
      "no-experiment",
      `Expected an experiment's YAML file at ${path}, got nothing there.`,
    );
  }
  const parsed = planSchema.safeParse(parseYaml(readFileSync(path, "utf8"), path));
  if (!parsed.success) {
    refuse(
      path,
      parsed.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`),
    );
  }
  const { base, rows: rowsOfFile, logs: logsOfFile, against: asked, ...given } = parsed.data;
  const { name, seeds, protocol, measure, lastEpochs } = given;
  const from = (file: string) => resolve(dirname(path), file);
  const faults: string[] = [];
  const rows = rowsOfFile.flatMap((row, i): Row[] => {
    try {
      const config = withEncoders(loadConfig({ ...base, ...row.set, seed: seeds[0] }), lastEpochs);
      return [
        {
          name: row.name,
          slug: slugOf(row.name),
          paper: row.paper ?? null,
          config,
          comparedWith: row.comparedWith ?? (i === 0 ? null : rowsOfFile[0].name),
          at: row.at === undefined ? null : String(row.at),
          curve: row.curve ?? "",
          sameSecondsAs: row.sameSecondsAs ?? null,
        },
      ];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      faults.push(`${row.name}: ${error.message}`);
      return [];
    }
  });
  const slugs = rowsOfFile.map((row) => slugOf(row.name));
  for (const [i, slug] of slugs.entries()) {
    if (slug === "")
      faults.push(`rows.${i}: expected a name with a letter or digit, got ${shown(rowsOfFile[i].name)}`);
    else if (slugs.indexOf(slug) < i)
      faults.push(`rows.${i}: expected a name of its own, got ${shown(rowsOfFile[i].name)} twice`);
  }
  faults.push(...referenceFaults(rowsOfFile));
  for (const { name: row, config } of rows)
    if (config.train.epochs < lastEpochs)
      faults.push(
        `${row}: lastEpochs: expected at most its ${config.train.epochs} epochs, got ${lastEpochs}`,
      );
  if (given.decide !== undefined)
    faults.push(...decideFaults(given.decide, { seeds, rows: rowsOfFile.map((row) => row.name) }));
  const logs = logsOfFile.flatMap((text): LoggedNumber[] => {
    const found = loggedNumber(text);
    if (found === null) faults.push(`logs: expected NAME or NAME - NAME, got ${shown(text)}`);
    return found === null ? [] : [found];
  });
  const against = logs.find(({ text }) => text === asked) ?? null;
  if (asked !== undefined && against === null)
    faults.push(`against: expected one of logs, got ${shown(asked)}`);
  if (new Set(seeds).size < seeds.length) faults.push("seeds: expected each once");
  for (const key of ["seed", "threads"]) {
    if (key in base || rowsOfFile.some(({ set }) => key in set))
      faults.push(`${key}: the experiment sets it; name seeds above, and --jobs`);
  }
  const photos = photosOf(withGiven(parsed.data, onCommandLine), from, faults);
  const transfer = transferOf(parsed.data, dirname(path), onCommandLine, faults);
  if (faults.length > 0 || photos === null) refuse(path, faults);
  const { question = null, hypothesis = null, tell = null, axis = "", decide = null } = given;
  const said = { question, hypothesis, tell, logs, against, axis, decide };
  return { name, photos, seeds, protocol, measure, lastEpochs, rows, transfer, ...said };
}

/** The settings with as many encoders kept as scores are means over. */
function withEncoders(config: RunConfig, lastEpochs: number): RunConfig {
  if (lastEpochs === usualLastEpochs) return config;
  const keepEncoders = Math.max(config.train.keepEncoders ?? 0, lastEpochs - 1);
  return { ...config, train: { ...config.train, keepEncoders } };
}

/** Rows that name a row which is not there, or in a circle. */
function referenceFaults(rows: readonly z.infer<typeof rowSchema>[]): string[] {
  return rows.flatMap(({ name, ...row }) =>
    (["comparedWith", "sameSecondsAs"] as const).flatMap((key) => {
      const wanted = row[key];
      if (wanted === undefined) return [];
      const other = rows.find((candidate) => candidate.name === wanted && candidate.name !== name);
      if (other === undefined) return [`${name}: ${key}: expected another row's name, got ${shown(wanted)}`];
      const isChain = key === "sameSecondsAs" && other.sameSecondsAs !== undefined;
      return isChain ? [`${name}: ${key}: expected a row with epochs of its own, got ${shown(wanted)}`] : [];
    }),
  );
}

function transferOf(
  { transfer, rows }: z.infer<typeof planSchema>,
  base: string,
  { to = [] }: GivenPhotos,
  faults: string[],
): Plan["transfer"] {
  if (transfer !== undefined && rows.some(({ name }) => slugOf(name) === "transfer"))
    faults.push("rows: expected another name than transfer, whose folder holds the transfer table");
  if (transfer !== undefined)
    return { sets: setsOf(transfer, base, { to }, faults), random: transfer.random };
  if (to.length > 0) faults.push("--to: expected an experiment with transfer in its file, got one without");
  return null;
}

/** The transfer plan of an experiment's rows; `out` holds their runs. null where it has none. */
export function transferPlanOf({ name, seeds, rows, transfer }: Plan, out: string): TransferPlan | null {
  if (transfer === null) return null;
  const measured = rows.map((row) => ({ name: row.name, slug: row.slug, run: join(out, row.slug) }));
  return { name: `${name}: transfer`, reference: "paper", seeds, rows: measured, ...transfer };
}

type NamedPhotos = Pick<z.infer<typeof planSchema>, "photos" | "probe">;

function withGiven({ photos, probe }: NamedPhotos, given: GivenPhotos): NamedPhotos {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  return { photos: absolute(given.photos) ?? photos, probe: absolute(given.probe) ?? probe };
}

function photosOf(
  { photos, probe }: NamedPhotos,
  from: (file: string) => string,
  faults: string[],
): Photos | null {
  if (photos === undefined) {
    faults.push("photos: expected unlabelled photos, here or by --photos");
    return null;
  }
  if (typeof photos !== "string") {
    if (probe !== undefined) faults.push("probe: the embedded set has labels of its own");
    return { kind: "embedded", options: photos.embedded };
  }
  if (probe === undefined) {
    faults.push("probe: expected labelled photos to score on, here or by --probe");
    return null;
  }
  const found = { photos: from(photos), probe: from(probe) };
  for (const [key, path] of Object.entries(found)) {
    if (!existsSync(path)) faults.push(`${key}: expected photos at ${path}, got nothing there`);
  }
  return { kind: "folder", ...found };
}

function refuse(path: string, faults: readonly string[]): never {
  throw new UsageError(
    "bad-experiment",
    `Expected an experiment that can be run in ${path}, got ${faults.length} faults:${listed(faults)}`,
  );
}
