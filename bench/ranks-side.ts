/** `ranks-side.ts TASK`: one process of ranks.ts, which takes steps on request (`steps N`) and answers with their seconds. */
import { createInterface } from "node:readline";
import { distributed, Generator, nn, optim, randn, scope, setNumThreads, tuneProcess } from "@salmask/torch";
import { createBackbone } from "../packages/salmask/src/models/registry.js";
import type { Stem } from "./ranks.js";

/** What a process is told when it is started. */
export interface RankTask {
  rank: number;
  worldSize: number;
  /** Where rank 0 serves the store; not used without reduction. */
  port: number;
  /** Photos of this process in a step. */
  batch: number;
  stem: Stem;
  reduces: boolean;
}

const { rank, worldSize, port, batch, stem, reduces }: RankTask = JSON.parse(process.argv[2]);
tuneProcess();
setNumThreads(1);
const generator = new Generator(0);
const encoder = createBackbone({ arch: "resnet18", width: 64, stem }, generator);
const network = new nn.Sequential(encoder, new nn.Linear(512, 128, { generator }));
network.to("cpu", { memoryFormat: "channelsLast" });
const optimizer = new optim.SGD(network.namedParameters(), { lr: 0.01, momentum: 0.9 });
const photos = randn([batch, 3, 64, 64], { generator }).contiguous({ memoryFormat: "channelsLast" }); // [B, 3, 64, 64]

function makeReducer(): InstanceType<typeof distributed.Reducer> {
  const store = new distributed.TCPStore({ host: "127.0.0.1", port, isServer: rank === 0 });
  const group = distributed.ProcessGroup.create({ backend: "gloo", store, rank, worldSize });
  return new distributed.Reducer({ parameters: network.parameters(), group });
}
const reducer = reduces ? makeReducer() : null;

function step(): void {
  scope(() => {
    const output = network.forward(photos); // [B, 128]
    const loss = output.mul(output).mean();
    reducer?.prepareForBackward();
    loss.backward();
    optimizer.step();
    network.zeroGrad();
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line.split(" ")[1]);
  const start = performance.now();
  for (let i = 0; i < count; i++) step();
  console.log((performance.now() - start) / 1000);
}
process.exit(0);
