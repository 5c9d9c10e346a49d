/**
 * Agreement between a map of the whole photo, cropped like its views, and the paper's way, one map per crop:
 * intersection over union of their foreground cells. For comparison, the same between the crops of two different
 * photos.
 */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scope, tuneProcess } from "@salmask/torch";
import { computeOf } from "../packages/salmask/src/compute/compute.js";
import { loadConfig } from "../packages/salmask/src/config/load.js";
import { batches, epochOrder } from "../packages/salmask/src/data/samples/order.js";
import { openDataset } from "../packages/salmask/src/data/store/dataset.js";
import { gridFor } from "../packages/salmask/src/masking/grid.js";
import { intersectionOverUnion } from "../packages/salmask/src/metrics/saliency-measures.js";
import { PretrainTask } from "../packages/salmask/src/tasks/pretrain/task.js";
import { seeViews } from "../packages/salmask/src/views/see.js";
import { jpegPhotos } from "./photos.js";
import type { Row } from "./rows.js";

const photos = 512;
const crops = [64, 96];

export async function run({ photos: given }: { photos?: string }): Promise<Row[]> {
  tuneProcess();
  const scratch = await mkdtemp(join(tmpdir(), "salmask-bench-"));
  try {
    const folder = given ?? (await jpegPhotos(scratch, { count: photos, side: 128 }));
    const rows: Row[] = [];
    for (const crop of crops) rows.push(...(await compare(folder, scratch, crop)));
    return rows;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function compare(folder: string, cacheDir: string, crop: number): Promise<Row[]> {
  const tasks: PretrainTask[] = [];
  const settings = { "data.crop": crop, "model.arch": "resnet18", "model.width": 4, "model.stem": "small" };
  const dataset = await openDataset(folder, { size: 128, cacheDir });
  try {
    for (const asked of ["photo", "crop"]) {
      const small = { "method.queue": 64, "data.size": 128, "train.batchSize": 32 };
      const config = loadConfig({ ...settings, ...small, "saliency.scope": asked });
      const task = await PretrainTask.create({ config, dataset, compute: computeOf(config) });
      tasks.push(task);
      task.beforeEpoch(0);
    }
    const cells = gridFor(crop, 8).rows ** 2;
    const same: number[] = [];
    const other: number[] = [];
    const shares = { photo: [] as number[], crop: [] as number[] };
    const first = batches(epochOrder(0, 0, dataset.length), 32).slice(0, Math.floor(photos / 32));
    for (const ids of first) {
      const [byPhoto, byCrop] = tasks.map((task) => foreground(task, ids));
      for (let row = 0; row < ids.length; row++) {
        const of = (all: Uint8Array, at: number) => all.subarray(at * cells, (at + 1) * cells);
        same.push(intersectionOverUnion(of(byPhoto, row), of(byCrop, row)));
        other.push(intersectionOverUnion(of(byPhoto, row), of(byCrop, (row + 1) % ids.length)));
        shares.photo.push(mean(Array.from(of(byPhoto, row))));
        shares.crop.push(mean(Array.from(of(byCrop, row))));
      }
    }
    const alone = { peer: null, ratio: null };
    const name = `crops of ${crop} px`;
    return [
      { name: `${name}: a photo's map beside the crop's own`, unit: "IoU", ours: mean(same), ...alone },
      { name: `${name}: the same of two photos`, unit: "IoU", ours: mean(other), ...alone },
      { name: `${name}: foreground by the photo's map`, unit: "share", ours: mean(shares.photo), ...alone },
      { name: `${name}: foreground by the crop's own`, unit: "share", ours: mean(shares.crop), ...alone },
    ];
  } finally {
    for (const task of tasks) task.dispose();
    dataset.close();
  }
}

/** Foreground cells of the key crops, `[B * rows * cols]`. */
function foreground({ recipe, scene }: PretrainTask, ids: Int32Array): Uint8Array {
  const key = { seed: 0, epoch: 0, ids };
  const found = scope(() => seeViews(recipe, scene, key).views[1].foreground);
  if (found === null) throw new Error("expected a foreground of every crop, got a run without saliency");
  return found.cells;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
