import { fork } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../../../torch/test/support/ranks.js";
import type { RankJob, RankResult, RankRun } from "./rank-work.js";

/** What ranks do, one after another. */
export interface RankWork {
  readonly trainings: readonly RankJob[];
  readonly runs: readonly RankRun[];
}

/** What came of {@link RankWork} on one rank. */
export interface RankAnswer {
  readonly trainings: RankResult[];
  readonly runs: string[];
}

/** Does work in one set of processes that train together, connected by Gloo. Returns what each rank sends. */
export async function onRanks(worldSize: number, work: RankWork): Promise<RankAnswer[]> {
  const port = await freePort();
  const ofRank = (rank: number) =>
    new Promise<RankAnswer>((done, fail) => {
      const child = fork(join(import.meta.dirname, "rank-process.ts"), {
        execArgv: ["--import", "tsx"],
        serialization: "advanced",
      });
      let answer: RankAnswer | null = null;
      child.on("message", (sent: RankAnswer) => {
        answer = sent;
      });
      child.on("error", fail).on("exit", (code) => {
        if (answer === null) fail(new Error(`Expected an answer of rank ${rank}, got exit code ${code}.`));
        else done(answer);
      });
      child.send({ rank, worldSize, port, work });
    });
  return await Promise.all(Array.from({ length: worldSize }, (_, rank) => ofRank(rank)));
}
