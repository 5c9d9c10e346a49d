/** All of a run but its charts and its place in the list. */
import { type Dirent, lstatSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { diagnose } from "../analysis/diagnose.js";
import { messageOf, SalmaskError } from "../base/errors.js";
import type { LogEntry } from "../base/events.js";
import { parseYaml } from "../base/yaml.js";
import { isTree } from "../config/tree.js";
import type { Diagnosis, EmbeddingMap, Picture, RunDetail, Views } from "../page/protocol.js";
import { mapFileSchema, viewsFileSchema } from "../runs/tile-files.js";
import { textInside } from "./inside.js";
import type { LogColumns } from "./log-columns.js";
import { files } from "./run-files.js";
import { jsonOf, recordsOf, scoresOf } from "./scores.js";

/** The address of a picture in the run's folder. */
export type AddressOf = (name: string) => Promise<string> | string;

/** Pictures of detections that are shown. */
const mostDetections = 60;
/** Lines of a log that the doctor looks at. */
const mostDiagnosed = 2000;

export async function runDetail(
  folder: string,
  columns: LogColumns,
  addressOf: AddressOf,
): Promise<RunDetail> {
  return {
    settings: settingsIn(textInside(folder, files.config)),
    scores: scoresOf(recordsOf(folder)),
    diagnosis: diagnosisOf(folder, columns),
    views: await viewsOf(folder, addressOf),
    sheet: isPlain(folder, files.sheet) ? await addressOf(files.sheet) : null,
    map: await mapOf(folder, addressOf),
    detections: await detectionsOf(folder, addressOf),
  };
}

/** Settings by dotted key, as the file has them. */
function settingsIn(text: string | null): Record<string, string> {
  const found: [string, string][] = [];
  const collect = (value: unknown, key: string): void => {
    if (isTree(value)) {
      for (const [name, inner] of Object.entries(value)) collect(inner, key === "" ? name : `${key}.${name}`);
    } else if (key !== "") found.push([key, typeof value === "string" ? value : JSON.stringify(value)]);
  };
  try {
    collect(parseYaml(text ?? "", files.config), "");
  } catch (error) {
    return { [files.config]: messageOf(error) };
  }
  return Object.fromEntries(found);
}

function diagnosisOf(folder: string, columns: LogColumns): Diagnosis {
  const none = (said: string): Diagnosis => ({ findings: [], said });
  if (columns.rows === 0) return none("The run has not logged a step yet.");
  // The doctor opens files by itself, and would follow a link.
  for (const name of [files.config, files.summary, files.probes])
    if (isThere(folder, name) && !isPlain(folder, name))
      return none(`${name} is a link, which is not followed.`);
  try {
    const { kind, findings } = diagnose(folder, someEntries(columns));
    if (findings === null) return none(`There are no checks for a run of ${kind}, only for one of pretrain.`);
    if (findings.length === 0) return none("Nothing looks wrong.");
    return { findings: findings.map(({ what, mend }) => ({ what, mend })), said: null };
  } catch (error) {
    if (error instanceof SalmaskError) return none(error.message);
    throw error;
  }
}

/** Of a long log evenly spread lines, all with a variance among them, and the last. */
function someEntries(columns: LogColumns): LogEntry[] {
  const every = Math.ceil(columns.rows / mostDiagnosed);
  const last = columns.rows - 1;
  const variances = columns.values("queryVariance");
  const isRead = (row: number) => row % every === 0 || row === last || !Number.isNaN(variances[row]);
  return columns.entries(Array.from({ length: columns.rows }, (_, row) => row).filter(isRead));
}

async function viewsOf(folder: string, addressOf: AddressOf): Promise<Views | null> {
  const read = readJson(folder, files.views.text, viewsFileSchema);
  if (read === null) return null;
  const { step, side, columns, photos } = read;
  const src = await addressOf(files.views.picture);
  return { step, tiles: { src, side, across: columns.length }, columns, photos };
}

async function mapOf(folder: string, addressOf: AddressOf): Promise<EmbeddingMap | null> {
  const read = readJson(folder, files.map.text, mapFileSchema);
  if (read === null) return null;
  const { step, side, across, photos } = read;
  return { step, tiles: { src: await addressOf(files.map.picture), side, across }, photos };
}

function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): T | null {
  return schema.safeParse(jsonOf(textInside(folder, name))).data ?? null;
}

async function detectionsOf(folder: string, addressOf: AddressOf): Promise<Picture[]> {
  const entries = await readdir(join(folder, files.detections), { withFileTypes: true }).catch(
    (): Dirent[] => [],
  );
  const names = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".png"))
    .map(({ name }) => name);
  return Promise.all(
    names
      .sort()
      .slice(0, mostDetections)
      .map(async (name) => ({ name, src: await addressOf(`${files.detections}/${name}`) })),
  );
}

const look = (folder: string, name: string) => lstatSync(join(folder, name), { throwIfNoEntry: false });
const isThere = (folder: string, name: string) => look(folder, name) !== undefined;
const isPlain = (folder: string, name: string) => look(folder, name)?.isFile() === true;
