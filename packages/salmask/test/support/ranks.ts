import { fork } from "node:child_process";
import { join } from "node:path";
import { freePort } from "../../../torch/test/support/ranks.js";
import { inGroup, type RankAnswer, type RankWork, workOnRank } from "./rank-work.js";

/** What the process of rank 1 gets. */
export interface Begin {
  readonly port: number;
  readonly work: RankWork;
}

/** What rank 1 sends of {@link RankAnswer}. */
export interface OtherAnswer {
  /** Hashes of what its trainings gave. */
  readonly trainings: string[];
  readonly runs: string[];
}

/** Does work on two ranks, this process and another one, connected by Gloo. */
export async function onTwoRanks(work: RankWork): Promise<{ first: RankAnswer; second: OtherAnswer }> {
  const port = await freePort();
  const child = fork(join(import.meta.dirname, "rank-process.ts"), {
    execArgv: ["--import", "tsx"],
    serialization: "advanced",
  });
  const answer = new Promise<OtherAnswer>((done, fail) => {
    child.once("message", done).once("error", fail);
    child.once("exit", (code) => fail(new Error(`Expected an answer of rank 1, got exit code ${code}.`)));
  });
  const begin: Begin = { port, work };
  // The store waits for the other process, and this thread with it.
  await new Promise((sent) => child.send(begin, sent));
  const [first, second] = await Promise.all([inGroup(0, port, (ranks) => workOnRank(work, ranks)), answer]);
  return { first, second };
}
