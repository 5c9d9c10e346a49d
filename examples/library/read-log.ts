import { RunFolder } from "salmask";

/** The loss of every logged step of a run, and the run's summary if it has ended. */
export function readLog(run: string) {
  const folder = new RunFolder(run);
  return {
    losses: folder.log.read().map(({ step, logs }) => ({ step, loss: logs.loss })),
    summary: folder.readSummary(),
  };
}
