/** Which encoders are measured on which sets, and how: by a file, by options, or by both. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { z } from "zod";
import { UsageError } from "../base/errors.js";
import { listed, shown } from "../base/faults.js";
import { slugOf } from "../base/slug.js";
import { untrainedName } from "../base/untrained-name.js";
import { parseYaml } from "../base/yaml.js";
import { loadSettings } from "../config/load.js";
import type { SettingsKind } from "../config/settings-kind.js";
import { keysOf, merge, type Tree, withValue } from "../config/tree.js";
import type { EmbeddedOptions } from "../data/embedded/options.js";
import type { SetOptions } from "../data/sets/data-set.js";
import { type DetectConfig, detectSettings } from "../tasks/detect/settings.js";
import { type FinetuneConfig, finetuneSettings } from "../tasks/finetune/settings.js";
import type { LinearProtocol } from "../tasks/probe/probe.js";
import type { Measure } from "./measures.js";
import { type PlanFile, planSchema, type Section, type SetEntry } from "./plan-schema.js";

/** An encoder that is measured: a row of the table. */
export interface PlanRow {
  readonly name: string;
  readonly slug: string;
  /** A run's folder, a file of weights, or a folder that holds a run for each seed as `seed-0`, `seed-1`, ... */
  readonly run: string;
}

/** Measures that were asked for. */
export interface AskedMeasures {
  readonly names: readonly Measure[];
  /** Whether the set itself names them: each must be possible. Else those are taken that are. */
  readonly ofSet: boolean;
}

/** Where the photos of a set come from. */
export type PlanPhotos =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "embedded"; readonly objects: boolean; readonly options: EmbeddedOptions };

/** A set that encoders are measured on. */
export interface PlanSet {
  readonly name: string;
  readonly slug: string;
  readonly photos: PlanPhotos;
  /** Which set the folder must hold, by the name that its reader gives it; null: any. */
  readonly is: string | null;
  /** null: those that follow from what the set is. */
  readonly measures: AskedMeasures | null;
  /** Label budgets. */
  readonly labels: readonly string[];
  readonly protocol: LinearProtocol;
  readonly accuracy: SetEntry["accuracy"];
  /** Parts by the set's own names; empty: the usual one. */
  readonly train: readonly string[];
  readonly scored: readonly string[];
  readonly options: Partial<SetOptions>;
  readonly skipBad: boolean;
  /** Of the seed 0, from the encoder, with all labels; each cell has its own. */
  readonly finetune: FinetuneConfig;
  readonly detect: DetectConfig;
  /** In percent, by column and row. */
  readonly reference: SetEntry["reference"];
}

/** Which encoders are measured on which sets, how, and with which seeds. */
export interface TransferPlan {
  readonly name: string;
  /** What reference numbers are called. */
  readonly reference: string;
  readonly seeds: readonly number[];
  readonly rows: readonly PlanRow[];
  /** Whether the same networks untrained are measured too. */
  readonly random: boolean;
  readonly sets: readonly PlanSet[];
}

/** A setting of one set, or of all: `CIFAR-10:finetune.epochs=5`, `detect.train.epochs=12`. */
export interface GivenSetting {
  /** null: all sets. */
  readonly set: string | null;
  readonly group: "finetune" | "detect";
  readonly key: string;
  readonly value: unknown;
}

/** What a command was given; it wins over the file. Paths start from the working directory. */
export interface GivenPlan {
  /** `RUN` or `NAME=RUN`. */
  readonly runs?: readonly string[];
  /** `DIR` or `NAME=DIR`. */
  readonly to?: readonly string[];
  /** The sets that are measured on, of those that the file names; all where it is not given. */
  readonly only?: readonly string[];
  readonly seeds?: readonly number[];
  readonly measures?: readonly Measure[];
  readonly labels?: readonly string[];
  readonly protocol?: LinearProtocol;
  readonly random?: boolean;
  readonly skipBad?: boolean;
  readonly settings?: readonly GivenSetting[];
}

/** Reads a plan's file, where there is one, with what was given beside it. Throws {@link UsageError} `bad-plan` with all faults. */
export function readTransferPlan(path: string | null, given: GivenPlan = {}): TransferPlan {
  const from = path ?? "the options";
  const file = path === null ? planSchema.parse({}) : parsePlan(path);
  const faults: string[] = [];
  const base = path === null ? process.cwd() : dirname(path);
  const rows = [
    ...file.runs.map(({ name, run }) => ({ name, slug: slugOf(name), run: resolve(base, run) })),
    ...(given.runs ?? []).map(rowOf),
  ];
  if (rows.length === 0) faults.push("runs: expected at least one run's folder or file of weights, got none");
  faults.push(...nameFaults("runs", rows));
  const { seeds = file.seeds, random = file.random } = given;
  if (new Set(seeds).size < seeds.length) faults.push("seeds: expected each once");
  const sets = setsOf({ ...file, random }, base, given, faults);
  if (faults.length > 0) refuse(from, faults);
  return { name: file.name, reference: file.reference, seeds, rows, random, sets };
}

/** The sets of an experiment's section, with folders that were given beside it. Adds what is wrong to the faults. */
export function setsOf(section: Section, base: string, given: GivenPlan, faults: string[]): PlanSet[] {
  const entries = chosen(withGivenFolders(section.sets, base, given.to ?? [], faults), given.only, faults);
  if (entries.length === 0)
    faults.push("sets: expected at least one set to measure on, got none; name one by --to DIR");
  faults.push(
    ...nameFaults(
      "sets",
      entries.map(({ name }) => ({ name, slug: slugOf(name) })),
    ),
  );
  const ofNone = (given.settings ?? []).filter(
    ({ set }) => set !== null && !entries.some(({ name }) => slugOf(name) === slugOf(set)),
  );
  for (const { set } of ofNone) faults.push(`settings: expected the name of a set, got ${shown(set)}`);
  return entries.flatMap((entry) => setOf(entry, section, given, faults));
}

function chosen(
  entries: readonly SetEntry[],
  only: readonly string[] | undefined,
  faults: string[],
): readonly SetEntry[] {
  if (only === undefined) return entries;
  const names = entries.map(({ name }) => name).join(", ");
  for (const name of only) {
    if (!entries.some((entry) => slugOf(entry.name) === slugOf(name)))
      faults.push(`--only: expected some of the sets ${names}, got ${shown(name)}`);
  }
  return entries.filter(({ name }) => only.some((wanted) => slugOf(wanted) === slugOf(name)));
}

/** The entries with folders from the command line; new ones for folders that no entry waits for. */
function withGivenFolders(
  entries: readonly SetEntry[],
  base: string,
  to: readonly string[],
  faults: string[],
): SetEntry[] {
  const placed: SetEntry[] = entries.map((entry) => ({
    ...entry,
    photos: typeof entry.photos === "string" ? resolve(base, entry.photos) : entry.photos,
  }));
  for (const text of to) {
    const { name, path } = namedPath(text);
    const waiting = placed.filter(({ photos }) => photos === undefined);
    if (name === null && waiting.length > 1) {
      const names = waiting.map((entry) => entry.name).join(", ");
      faults.push(`--to ${path}: expected the set's name, as --to NAME=DIR, one of ${names}`);
      continue;
    }
    const at =
      name === null
        ? placed.indexOf(waiting[0])
        : placed.findIndex((entry) => slugOf(entry.name) === slugOf(name));
    if (at >= 0) placed[at] = { ...placed[at], photos: path };
    else placed.push(entryFor(name ?? basename(path), path));
  }
  return placed;
}

function entryFor(name: string, photos: string): SetEntry {
  const [entry] = planSchema.parse({ sets: [{ name, photos }] }).sets;
  return entry;
}

function setOf(entry: SetEntry, section: Section, given: GivenPlan, faults: string[]): PlanSet[] {
  const { name, photos, is = null, train = [], scored = [], reference, accuracy } = entry;
  const { heldOut, perClass, fold, subset } = entry;
  const before = faults.length;
  if (photos === undefined)
    faults.push(`${name}: expected its folder, got none; give it as --to ${shown(`${name}=DIR`)}`);
  else if (typeof photos === "string" && !existsSync(photos))
    faults.push(`${name}: expected the set's folder at ${photos}, got nothing there`);
  const settings = given.settings ?? [];
  const taken = settings.filter(({ set }) => set === null || slugOf(set) === slugOf(name));
  const groups = { section, entry, taken, name, faults };
  const finetune = settingsIn("finetune", finetuneSettings, ["seed", "start", "labels"], groups);
  const detect = settingsIn("detect", detectSettings, ["seed", "start"], groups);
  if (photos === undefined || finetune === null || detect === null || faults.length > before) return [];
  const asked = given.measures ?? entry.measures ?? section.measures;
  const ofSet = given.measures === undefined && entry.measures !== undefined;
  return [
    {
      name,
      slug: slugOf(name),
      photos: photosOf(photos),
      is,
      measures: asked === undefined ? null : { names: asked, ofSet },
      labels: [...new Set(given.labels ?? entry.labels ?? section.labels)],
      protocol: given.protocol ?? entry.protocol ?? section.protocol,
      accuracy,
      train,
      scored,
      options: { heldOut, perClass, fold, subset },
      skipBad: given.skipBad ?? entry.skipBad,
      finetune,
      detect,
      reference,
    },
  ];
}

function photosOf(photos: NonNullable<SetEntry["photos"]>): PlanPhotos {
  if (typeof photos === "string") return { kind: "folder", path: photos };
  const { objects, ...options } = photos.embedded;
  return { kind: "embedded", objects, options };
}

interface Groups {
  readonly section: Section;
  readonly entry: Pick<SetEntry, "finetune" | "detect">;
  readonly taken: readonly GivenSetting[];
  readonly name: string;
  readonly faults: string[];
}

/** The settings of a set over those of all; null where some cannot be used. The table itself sets those of `own`. */
function settingsIn<T>(
  group: GivenSetting["group"],
  kind: SettingsKind<T>,
  own: readonly string[],
  { section, entry, taken, name, faults }: Groups,
): T | null {
  const below = merge([nested(section[group]), nested(entry[group])]);
  const options = taken.filter((setting) => setting.group === group);
  const given = Object.fromEntries(options.map(({ key, value }): [string, unknown] => [key, value]));
  for (const key of new Set([...keysOf(below), ...Object.keys(given)])) {
    if (own.includes(key)) faults.push(`${name}: ${group}.${key}: the table sets it for each cell`);
  }
  try {
    return loadSettings(kind, given, { base: below });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    faults.push(`${name}: ${group}: ${error.message}`);
    return null;
  }
}

/** Settings of which some names are dotted, as groups. */
const nested = (tree: Tree) => merge(Object.entries(tree).map(([key, value]) => withValue({}, key, value)));

/** `NAME=PATH`, or a path alone. A path with `=` in it is one where it is there, or where `/` comes before. */
export function namedPath(text: string): { readonly name: string | null; readonly path: string } {
  const at = text.indexOf("=");
  const isNamed = at > 0 && !text.slice(0, at).includes("/") && !existsSync(text);
  return isNamed
    ? { name: text.slice(0, at), path: resolve(text.slice(at + 1)) }
    : { name: null, path: resolve(text) };
}

function rowOf(text: string): PlanRow {
  const { name, path } = namedPath(text);
  const usual = basename(path).replace(/\.safetensors$/, "");
  return { name: name ?? usual, slug: slugOf(name ?? usual), run: path };
}

function nameFaults(
  where: string,
  named: readonly { readonly name: string; readonly slug: string }[],
): string[] {
  const slugs = named.map(({ slug }) => slug);
  return named.flatMap(({ name, slug }, i) => {
    if (slug === "") return [`${where}: expected a name with a letter or digit, got ${shown(name)}`];
    if (where === "runs" && slug.startsWith(slugOf(untrainedName)))
      return [`${where}: expected another name than ${untrainedName}, which is the untrained network's`];
    return slugs.indexOf(slug) < i
      ? [`${where}: expected a name of its own, got ${shown(name)} twice; give names as NAME=PATH`]
      : [];
  });
}

function parsePlan(path: string): PlanFile {
  if (!existsSync(path))
    throw new UsageError("no-plan", `Expected a transfer plan's YAML file at ${path}, got nothing there.`);
  const parsed = planSchema.safeParse(parseYaml(readFileSync(path, "utf8"), path));
  if (parsed.success) return parsed.data;
  return refuse(path, schemaFaults(parsed.error));
}

const schemaFaults = (error: z.ZodError) =>
  error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`);

/** Throws {@link UsageError} `bad-plan`. */
export function refuse(from: string, faults: readonly string[]): never {
  const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  throw new UsageError(
    "bad-plan",
    `Expected a transfer plan that can be carried out in ${from}, got ${count}:${listed(faults)}`,
  );
}
