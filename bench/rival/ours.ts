/** `ours.ts TASK`: our side of bench/rival. Trains as `salmask pretrain` does, exports the encoder and prints what it took. */
import { join } from "node:path";
import { tuneProcess } from "@salmask/torch";
import { meanAndDeviation } from "../../packages/salmask/src/base/statistics.js";
import { openDataset } from "../../packages/salmask/src/data/store/dataset.js";
import { exportRun } from "../../packages/salmask/src/export/export-run.js";
import { RunFolder } from "../../packages/salmask/src/runs/run-folder.js";
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

const lastEpoch = new RunFolder(run).log.read().filter(({ epoch }) => epoch === config.train.epochs - 1);
const trained: Trained = {
  decoding,
  training: (times.ended - times.begun) / 1000,
  steps,
  loss: meanAndDeviation(lastEpoch.map(({ logs }) => logs.loss)).mean,
};
console.log(JSON.stringify(trained));
