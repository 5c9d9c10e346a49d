/** A process of {@link onRanks}: does the jobs that its parent sends, together with the other ranks, and sends what came of them. */
import { distributed, setNumThreads } from "@salmask/torch";
import { ProcessRanks } from "../../src/ranks/process-ranks.js";
import { runOnRank, trainOnRank } from "./rank-work.js";
import type { RankAnswer, RankWork } from "./ranks.js";

interface Begin {
  readonly rank: number;
  readonly worldSize: number;
  readonly port: number;
  readonly work: RankWork;
}

process.once("message", async ({ rank, worldSize, port, work }: Begin) => {
  setNumThreads(1);
  const timeoutSeconds = 60;
  const store = new distributed.TCPStore({
    host: "127.0.0.1",
    port,
    isServer: rank === 0,
    worldSize,
    timeoutSeconds,
  });
  const group = distributed.ProcessGroup.create({ backend: "gloo", store, rank, worldSize, timeoutSeconds });
  const ranks = new ProcessRanks({ group, host: group, store });
  const answer: RankAnswer = { trainings: [], runs: [] };
  for (const job of work.trainings) answer.trainings.push(await trainOnRank(job, ranks));
  for (const run of work.runs) answer.runs.push(await runOnRank(run, ranks));
  process.send?.(answer, () => {
    group.dispose();
    store.dispose();
    process.disconnect();
  });
});
