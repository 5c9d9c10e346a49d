/**
 * `show-views.ts TASK START`, for PyTorch's side of pairs: writes what our side begins with (encoders and queue, safetensors) to the file
 * START, and then the views that it sees to standard output: of each step the query view and the key view, float32 `[B, 3, crop, crop]`.
 */
import { join } from "node:path";
import { saveSafetensors, scope, setNumThreads } from "@salmask/torch";
import { onCpu } from "../../packages/salmask/src/compute/compute.js";
import { openDataset } from "../../packages/salmask/src/data/store/dataset.js";
import { PretrainTask } from "../../packages/salmask/src/tasks/pretrain/task.js";
import { seeViews } from "../../packages/salmask/src/views/see.js";
import type { TrainTask } from "./recipe.js";

// PyTorch's threads wait for each other, so each of ours that takes the place of one costs much.
setNumThreads(1);
const [task, start] = process.argv.slice(2);
const { config, photos, out }: TrainTask = JSON.parse(task);
const { seed, train } = config;
const { size, crop } = config.data;
const dataset = await openDataset(photos, { size, crop, cacheDir: join(out, "cache") });
const ours = await PretrainTask.create({ config, dataset, compute: onCpu });
scope(() => saveSafetensors(start, ours.state().tensors));

/** Waits until the reader has room for more. */
const write = (bytes: Uint8Array) =>
  new Promise<void>((done, fail) => process.stdout.write(bytes, (error) => (error ? fail(error) : done())));

for (let epoch = 0; epoch < train.epochs; epoch++) {
  for (const ids of ours.batches(epoch)) {
    const views = scope(() =>
      seeViews(ours.recipe, ours.scene, { seed, epoch, ids }).views.map(({ masked }) =>
        masked.toFloat32Array(),
      ),
    );
    for (const { buffer, byteOffset, byteLength } of views)
      await write(new Uint8Array(buffer, byteOffset, byteLength));
  }
}
ours.dispose();
dataset.close();
