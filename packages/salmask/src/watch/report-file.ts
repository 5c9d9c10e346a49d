/** A report: what the page shows of some runs, as one file that needs no server and no network. */
import { basename, resolve } from "node:path";
import { UsageError } from "../base/errors.js";
import { writeFileAtomic } from "../base/files.js";
import type { Charts, Experiment, Report, RunDetail, RunLine } from "../page/protocol.js";
import { pageFiles, reportPage } from "./shell.js";
import { Watched } from "./watched.js";

export interface ReportOptions {
  /** Runs' folders, or folders with runs in them. */
  readonly folders: readonly string[];
  /** The HTML file to write. */
  readonly out: string;
}

/** Returns the ids of the runs in it. Throws {@link UsageError} `no-folder`, `no-run`, `not-built`. */
export async function writeReport({ folders, out }: ReportOptions): Promise<string[]> {
  const runs: RunLine[] = [];
  const experiments: Experiment[] = [];
  const charts: Record<string, Charts> = {};
  const details: Record<string, RunDetail> = {};
  for (const { folder, idOf } of named(folders)) {
    const watched = await Watched.open(folder, async (id, name) =>
      dataAddress(await watched.picture(id, name)),
    );
    const overview = await watched.overview();
    for (const line of overview.runs) {
      const id = idOf(line.id);
      const [chart, detail] = [await watched.charts(line.id, { wait: true }), await watched.detail(line.id)];
      if (chart === null || detail === null) continue;
      runs.push({ ...line, id });
      charts[id] = chart;
      details[id] = detail;
    }
    for (const experiment of overview.experiments)
      experiments.push({ ...experiment, id: idOf(experiment.id) });
  }
  if (runs.length === 0) {
    throw new UsageError(
      "no-run",
      `Expected a run's folder, or one with runs in it, got ${folders.join(", ")}.`,
    );
  }
  const report: Report = { overview: { folder: folders.join(", "), runs, experiments }, charts, details };
  const title = runs.length === 1 ? `Salmask: ${runs[0].id}` : `Salmask: ${runs.length} runs`;
  await writeFileAtomic(out, reportPage(title, await pageFiles(), report));
  return runs.map(({ id }) => id);
}

/** Runs by the names of their folders; where two are the same, by whole paths. */
function named(folders: readonly string[]) {
  const names = folders.map((folder) => basename(resolve(folder)));
  const isUnique = new Set(names).size === names.length;
  return folders.map((folder, i) => {
    const name = isUnique ? names[i] : folder;
    return { folder, idOf: (id: string) => (id === "." ? name : `${name}/${id}`) };
  });
}

function dataAddress(picture: { bytes: Buffer; type: string } | null): string {
  return picture === null ? "data:," : `data:${picture.type};base64,${picture.bytes.toString("base64")}`;
}
