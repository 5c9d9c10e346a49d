/** What a transfer table will measure, and how long it will take. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { silent } from "../base/events.js";
import { labelsOfSource } from "../data/store/labels-of-source.js";
import { noisePhotos } from "../data/store/noise-photos.js";
import { weightsOf } from "../runs/run-weights.js";
import { planDetector } from "../tasks/detect/plan.js";
import { planFinetuning } from "../tasks/finetune/plan.js";
import { extractFeatures } from "../tasks/probe/features.js";
import { splitsOf } from "../tasks/probe/probe.js";
import { loadBackbone } from "../weights/files.js";
import { inputOf } from "../weights/metadata.js";
import { CellFolder } from "./cell-folder.js";
import { placeOf, titleOf } from "./columns.js";
import { encoderRows, runOf } from "./encoders.js";
import { askedOf, type Cell, detectOf, finetuneOf } from "./measure.js";
import { openTransferSet } from "./sets.js";
import { cellsOf, type TransferOptions } from "./transfer.js";

/** The cells of one kind of work on a set. */
export interface PlannedWork {
  readonly set: string;
  readonly work: string;
  readonly cells: number;
  /** Cells that an earlier call has finished. */
  readonly done: number;
  /** Expected seconds of a cell: of finished ones their mean, else by what was tried on the first. */
  readonly seconds: number;
}

export interface TransferDryRun {
  readonly name: string;
  readonly out: string;
  readonly works: readonly PlannedWork[];
  /** Sets that are drawn when the table begins, and so could not be looked at. */
  readonly undrawn: readonly string[];
  /** Expected seconds of all that is left of the other sets. */
  readonly seconds: number;
}

/** Looks at the sets, and tries some steps of what is not finished. Writes nothing. Throws what opening sets and runs throws. */
export async function planTransfer({
  plan,
  out,
  signal,
  report = silent,
}: Pick<TransferOptions, "plan" | "out" | "signal" | "report">): Promise<TransferDryRun> {
  const folder = join(out, ".embedded");
  const undrawn = plan.sets.filter(
    ({ photos, slug }) => photos.kind === "embedded" && !existsSync(join(folder, slug)),
  );
  const rows = encoderRows(plan.rows, plan.seeds, plan);
  const works: PlannedWork[] = [];
  for (const wanted of plan.sets.filter((set) => !undrawn.includes(set))) {
    const set = await openTransferSet(wanted, { folder, signal, report });
    const cells = plan.seeds.flatMap((seed) => rows.flatMap((row) => cellsOf(set, { row, seed })));
    const byWork = new Map<string, Cell[]>();
    for (const cell of cells)
      byWork.set(titleOf(cell.work), [...(byWork.get(titleOf(cell.work)) ?? []), cell]);
    for (const [work, ofWork] of byWork) {
      report({ kind: "note", message: `looking at ${wanted.name}, ${work}` });
      works.push({ set: wanted.name, work, ...(await planWork(ofWork, { out, signal })) });
    }
  }
  const seconds = works.reduce((sum, work) => sum + (work.cells - work.done) * work.seconds, 0);
  return { name: plan.name, out, works, undrawn: undrawn.map((set) => set.name), seconds };
}

type Looking = Pick<TransferOptions, "out" | "signal">;

async function planWork(
  cells: readonly Cell[],
  looking: Looking,
): Promise<Omit<PlannedWork, "set" | "work">> {
  const finished: number[] = [];
  for (const cell of cells) {
    const outcome = folderOf(cell, looking).outcomeOf(await askedOf(cell));
    if (outcome !== null) finished.push(outcome.seconds);
  }
  const seconds =
    finished.length > 0
      ? finished.reduce((sum, each) => sum + each, 0) / finished.length
      : await trySeconds(cells[0], looking);
  return { cells: cells.length, done: finished.length, seconds };
}

function folderOf({ set, work, row, seed }: Cell, { out }: Looking): CellFolder {
  return new CellFolder(join(out, placeOf(set.plan, work), row.slug, `seed-${seed}`));
}

async function trySeconds(cell: Cell, looking: Looking): Promise<number> {
  const { signal } = looking;
  const encoder = runOf(cell.row, cell.seed);
  const { run } = folderOf(cell, looking);
  const given = { encoder, out: run.path, resume: run.hasCheckpoints, signal };
  switch (cell.kind) {
    case "finetune": {
      const { path, scored, plan } = cell.set;
      const set = { ...plan.options, skipBad: plan.skipBad, scored };
      return (await planFinetuning({ ...given, photos: [path], set, config: finetuneOf(cell) })).seconds;
    }
    case "detect":
      return (await planDetector({ ...given, set: cell.set.train, config: detectOf(cell) })).seconds;
    case "probe":
      return secondsOfLooking(cell, signal);
  }
}

const triedPhotos = 32;

/** The time in which an encoder sees all photos of a set, by that of some random ones. */
async function secondsOfLooking(
  { set, row, seed }: Cell & { kind: "probe" },
  signal: AbortSignal | undefined,
): Promise<number> {
  const { options, skipBad } = set.plan;
  let photos = 0;
  for (const source of await splitsOf(set.path, { ...options, seed, skipBad, scored: set.scored }))
    photos += (await labelsOfSource(source, signal)).labels.length;
  const { backbone, metadata } = loadBackbone(weightsOf(runOf(row, seed)).path);
  using encoder = backbone;
  const { crop, fill } = inputOf(metadata);
  const dataset = noisePhotos(triedPhotos, 2 * crop);
  let seconds = 0;
  // The first time is the warm-up.
  for (let time = 0; time < 2; time++) {
    const started = performance.now();
    using _features = await extractFeatures(encoder, dataset, { crop, fill, batchSize: triedPhotos, signal });
    seconds = (performance.now() - started) / 1000;
  }
  return (photos * seconds) / triedPhotos;
}
