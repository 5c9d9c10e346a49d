/** `traffic-side.ts RANK PORT`: one process of traffic.ts. Prints, as JSON, what a step of each method gives to collectives. */
import { distributed, setNumThreads } from "@salmask/torch";
import { type Compute, computeOf } from "../packages/salmask/src/compute/compute.js";
import { configSchema } from "../packages/salmask/src/config/schema.js";
import { noisePhotos } from "../packages/salmask/src/data/store/noise-photos.js";
import { ProcessRanks } from "../packages/salmask/src/ranks/process-ranks.js";
import { PretrainTask } from "../packages/salmask/src/tasks/pretrain/task.js";
import { train } from "../packages/salmask/src/training/trainer.js";
import { batch, crop, methods, type Traffic } from "./traffic.js";

const [rank, port] = process.argv.slice(2).map(Number);
const worldSize = 2;
setNumThreads(1);
using store = new distributed.TCPStore({ host: "127.0.0.1", port, isServer: rank === 0 });
using group = distributed.ProcessGroup.create({ backend: "gloo", store, rank, worldSize });
const ranks = new ProcessRanks({ group, host: group, store });

/** The first step also shares maps of photos and what else is done once, so the second one is counted. */
async function trafficOf({ method, batchNorm }: (typeof methods)[string]): Promise<Traffic> {
  const config = configSchema.parse({
    precision: "float32",
    data: { crop, size: crop },
    model: { arch: "resnet18", stem: "small" },
    method,
    mask: { negative: { count: 0 } },
    saliency: { source: "centre" },
    train: { epochs: 1, batchSize: batch, logEvery: 100, varianceEvery: 0, batchNorm },
  });
  const compute: Compute = { ...computeOf(config), ranks, batchNorm };
  const task = await PretrainTask.create({ config, dataset: noisePhotos(3 * batch, crop), compute });
  const after: Traffic[] = [];
  try {
    await train(task, {
      epochs: 1,
      logEvery: 100,
      compute,
      report: ({ kind }) => {
        if (kind === "step") after.push(group.traffic());
      },
    });
  } finally {
    task.dispose();
  }
  const [first, second] = after;
  const difference = (kind: keyof Traffic) => ({
    calls: second[kind].calls - first[kind].calls,
    bytes: second[kind].bytes - first[kind].bytes,
  });
  return {
    allReduce: difference("allReduce"),
    allGather: difference("allGather"),
    broadcast: difference("broadcast"),
    reducer: difference("reducer"),
  };
}

const found: Record<string, Traffic> = {};
for (const [name, one] of Object.entries(methods)) found[name] = await trafficOf(one);
console.log(JSON.stringify(found));
