/** `ours.ts TASK`: our side of bench/rival. Trains as `salmask pretrain` does, exports the encoder and prints what it took. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tuneProcess } from "@salmask/torch";
import { openDataset } from "../../packages/salmask/src/data/store/dataset.js";
import { exportRun } from "../../packages/salmask/src/export/export-run.js";
import { pretrain } from "../../packages/salmask/src/tasks/pretrain/pretrain.js";
import type { Trained, TrainTask } from "./recipe.js";

tuneProcess();
const { config, photos, out }: TrainTask = JSON.parse(process.argv[2]);
const cache = join(out, "cache");
const { size, crop } = config.data;

const opened = performance.now();
(await openDataset(photos, { size, crop, cacheDir: cache })).close();
const decoding = (performance.now() - opened) / 1000;

const times = { begun: 0, ended: 0 };
const run = join(out, "run");
const { steps } = await pretrain({
  photos,
  out: run,
  config: { ...config, data: { ...config.data, cache } },
  report: (event) => {
    if (event.kind === "begin") times.begun = performance.now();
    if (event.kind === "checkpoint") times.ended = performance.now();
    if (event.kind === "checkpoint") console.error(`ours: step ${event.step}`);
  },
});
await exportRun({ run, to: "safetensors", out: join(out, "export") });

/** A line of `metrics.jsonl` is a logged step, or another event without `logs`. */
function lossOfLastEpoch(): number {
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  const steps: { epoch: number; logs?: { loss: number } }[] = lines.map((line) => JSON.parse(line));
  const losses = steps.flatMap(({ epoch, logs }) =>
    epoch === config.train.epochs - 1 && logs !== undefined ? [logs.loss] : [],
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const trained: Trained = {
  decoding,
  training: (times.ended - times.begun) / 1000,
  steps,
  loss: lossOfLastEpoch(),
};
console.log(JSON.stringify(trained));
