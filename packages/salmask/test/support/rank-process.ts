/** The process of rank 1: does the work that its parent sends, together with it, and sends what came of it. */
import { setNumThreads } from "@salmask/torch";
import { digestOf, inGroup, workOnRank } from "./rank-work.js";
import type { Begin, OtherAnswer } from "./ranks.js";

process.once("message", async ({ port, work }: Begin) => {
  setNumThreads(1);
  await inGroup(1, port, async (ranks) => {
    const { trainings, runs } = await workOnRank(work, ranks);
    const answer: OtherAnswer = { trainings: trainings.map(digestOf), runs };
    await new Promise((sent) => process.send?.(answer, sent));
  });
  process.disconnect();
});
