/** A folder with runs as the page sees it. Works from the files alone and only reads them. */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import type { Charts, Experiment, Overview, Range, RunDetail } from "../page/protocol.js";
import { experimentsAmong, type KnownRun } from "./experiments.js";
import { type FoundRun, findRuns } from "./find-runs.js";
import { bytesInside, stampOf, textInside } from "./inside.js";
import { LogTail } from "./log-tail.js";
import { type AddressOf, runDetail } from "./run-detail.js";
import { files } from "./run-files.js";
import { runLine } from "./run-line.js";
import { recordsOf } from "./scores.js";
import { meanParts, thinned } from "./thin.js";

/** Milliseconds after which the folder is searched again. */
const searchEvery = 3000;
/** Groups of lines that a chart has where nothing else is asked. */
export const usualBuckets = 300;
/** Milliseconds for which a request waits until a log is read. */
const patience = 50;
const experimentFiles = { table: "table.md", plot: "plot.svg" } as const;

export interface PictureFile {
  readonly bytes: Buffer;
  readonly type: string;
}

/** A chosen run's charts, in groups of lines. */
export interface ChartsWish {
  readonly range?: Range;
  readonly buckets?: number;
  /** Whether to wait until the whole log is read. */
  readonly wait?: boolean;
}

/** The address of a picture: the run's or experiment's id, the file's name, a text that changes when the file does. */
export type PictureAddress = (id: string, name: string, stamp: string) => Promise<string> | string;

export class Watched {
  private runs: readonly FoundRun[] = [];
  private searched = Number.NEGATIVE_INFINITY;
  private searching: Promise<void> | null = null;
  private readonly tails = new Map<string, LogTail>();
  private readonly known = new Map<string, { stamp: string; records: KnownRun["records"] }>();

  private constructor(
    /** As it was given, for people. */
    readonly given: string,
    private readonly root: string,
    private readonly address: PictureAddress,
  ) {}

  /** Throws {@link UsageError} `no-folder` where there is no folder. */
  static async open(folder: string, address: PictureAddress): Promise<Watched> {
    const root = await realpath(folder).catch((error: unknown) => {
      throw new UsageError(
        "no-folder",
        `Expected a run's folder, or one with runs in it, got nothing at ${folder}. Start one with salmask pretrain PHOTOS.`,
        error,
      );
    });
    return new Watched(folder, root, address);
  }

  /** All runs and experiments, searched for again where the last search is some seconds ago. */
  async overview(): Promise<Overview> {
    await this.search();
    const runs = this.runs.map((run) => this.knownRun(run));
    const experiments = experimentsAmong(runs).map((found) => this.withFiles(found));
    return {
      folder: this.given,
      runs: runs.map(({ line }) => line),
      experiments: await Promise.all(experiments),
    };
  }

  /** null where there is no such run. */
  async charts(id: string, wish: ChartsWish = {}): Promise<Charts | null> {
    const run = await this.find(id);
    if (run === null) return null;
    const { range = null, buckets = usualBuckets, wait = false } = wish;
    const tail = this.tailOf(run);
    const reading = tail.read();
    // What was read so far is shown at once, and the page asks again.
    await (wait ? reading : Promise.race([reading, new Promise((done) => setTimeout(done, patience))]));
    const { columns, isComplete } = tail;
    return {
      rows: columns.rows,
      isComplete,
      series: columns.names.map((name) => thinned(columns, name, range, buckets)),
      parts: meanParts(columns, range, buckets),
    };
  }

  /** null where there is no such run. */
  async detail(id: string): Promise<RunDetail | null> {
    const run = await this.find(id);
    if (run === null) return null;
    const tail = this.tailOf(run);
    await tail.read();
    const stamped: AddressOf = (name) => this.address(id, name, stampOf(run.path, [name]));
    return runDetail(run.path, tail.columns, stamped);
  }

  /** A picture of a run or an experiment; null where it is none that the page shows. */
  async picture(id: string, name: string): Promise<PictureFile | null> {
    const type = pictureType(name);
    if (type === null) return null;
    const folder = await this.pictureFolder(id, name);
    const bytes = folder === null ? null : bytesInside(folder, name);
    return bytes === null ? null : { bytes, type };
  }

  private async pictureFolder(id: string, name: string): Promise<string | null> {
    if (name !== experimentFiles.plot) return (await this.find(id))?.path ?? null;
    const { experiments } = await this.overview();
    return experiments.some((experiment) => experiment.id === id) ? join(this.root, id) : null;
  }

  /** Requests that come together wait for one search. */
  private async search(): Promise<void> {
    if (performance.now() - this.searched < searchEvery) return;
    this.searching ??= this.searchNow().finally(() => {
      this.searching = null;
    });
    await this.searching;
  }

  private async searchNow(): Promise<void> {
    this.runs = await findRuns(this.root);
    this.searched = performance.now();
  }

  private async find(id: string): Promise<FoundRun | null> {
    await this.search();
    return this.runs.find((run) => run.id === id) ?? null;
  }

  private tailOf({ id, path }: FoundRun): LogTail {
    const found = this.tails.get(id) ?? new LogTail(path, files.metrics);
    this.tails.set(id, found);
    return found;
  }

  private knownRun(run: FoundRun): KnownRun {
    const line = runLine(run);
    const before = this.known.get(run.id);
    if (before?.stamp === line.stamp) return { line, records: before.records };
    const records = recordsOf(run.path);
    this.known.set(run.id, { stamp: line.stamp, records });
    return { line, records };
  }

  private async withFiles({ id, rows }: Pick<Experiment, "id" | "rows">): Promise<Experiment> {
    const folder = join(this.root, id);
    const { table, plot } = experimentFiles;
    const stamp = stampOf(folder, [plot]);
    return {
      id,
      rows,
      table: textInside(folder, table),
      plot: stamp === "-" ? null : await this.address(id, plot, stamp),
    };
  }
}

const types = new Map([
  [".jpg", "image/jpeg"],
  [".png", "image/png"],
  [".svg", "image/svg+xml"],
]);

/** null for a name that no shown picture has. */
function pictureType(name: string): string | null {
  const shown: readonly string[] = [
    files.views.picture,
    files.sheet,
    files.map.picture,
    experimentFiles.plot,
  ];
  const isDetection = new RegExp(`^${files.detections}/[^/\\\\]+\\.png$`).test(name);
  return shown.includes(name) || isDetection ? (types.get(name.slice(name.lastIndexOf("."))) ?? null) : null;
}
