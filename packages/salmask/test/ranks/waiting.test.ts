/** Waits of ranks for each other's long work, by processes that are killed meanwhile. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "vitest";
import { runRanks } from "../../../torch/test/support/ranks.js";

const salmask = pathToFileURL(join(import.meta.dirname, "../../dist/index.js")).href;
const timeoutSeconds = 4;
/** By which a busy machine may be late. A second timeout would take longer. */
const slackSeconds = 3;

/** What every script begins with: `report(wait)` writes the error of a wait, and how long it took. */
const beginning = `
  const { setTimeout: sleep } = await import("node:timers/promises");
  const { ProcessRanks } = await import(${JSON.stringify(salmask)});
  const group = join(${timeoutSeconds});
  const ranks = new ProcessRanks({ group, host: group, store });
  const killSelf = async () => { process.kill(process.pid, "SIGKILL"); await sleep(60_000); };
  const report = async (told, wait) => {
    const start = performance.now();
    try {
      await wait();
      console.log(JSON.stringify({ told, code: "none" }));
    } catch ({ code, ranks, message }) {
      console.log(JSON.stringify({ told, code, ranks, message, seconds: (performance.now() - start) / 1000 }));
    }
  };`;

async function reports(worldSize: number, script: string) {
  const ended = await runRanks(worldSize, beginning + script);
  return ended.map(({ out, signal, said, code }) => {
    if (signal === null && out === "") throw new Error(`expected a report, got none: ${code}: ${said}`);
    return { signal, report: signal === null ? JSON.parse(out) : null };
  });
}

// All at once: they wait most of the time.
test.concurrent("rank 0 may work for longer than the timeout, and is named when it is killed at work", async ({
  expect,
}) => {
  const [killed, waiting] = await reports(
    2,
    `const told = await ranks.onFirst(async () => { await sleep(${1000 * timeoutSeconds + 1000}); return "done"; });
     await report(told, () => ranks.firstThenOthers(killSelf));`,
  );
  expect(killed.signal).toBe("SIGKILL");
  expect(waiting.report).toMatchObject({
    told: "done",
    code: "rank-missing",
    ranks: [0],
    message: expect.stringContaining("no sign of life from rank 0, which holds the store"),
  });
  expect(waiting.report.seconds).toBeLessThan(timeoutSeconds + slackSeconds);
});

test.concurrent("rank 0 names a rank that is killed while it waits, not one that has read the result and left", async ({
  expect,
}) => {
  const [first, left, killed] = await reports(
    3,
    `if (rank === 2) await killSelf();
     await report("", () => ranks.onFirst(async () => "done"));
     if (rank === 1) { group.dispose(); store.dispose(); }`,
  );
  expect(killed.signal).toBe("SIGKILL");
  expect(left.report).toEqual({ told: "", code: "none" });
  expect(first.report).toMatchObject({
    code: "rank-missing",
    ranks: [2],
    message: expect.stringContaining("no sign of life from rank 2"),
  });
  expect(first.report.seconds).toBeLessThan(timeoutSeconds + slackSeconds);
});

test.concurrent("rank 0 is named when it stops after it has told the result, before another has read it", async ({
  expect,
}) => {
  const [stopped, reading] = await reports(
    2,
    `const { readdirSync, readFileSync } = await import("node:fs");
     const threadsOf = (pid) => readdirSync(\`/proc/\${pid}/task\`).map((thread) => {
       const status = readFileSync(\`/proc/\${pid}/task/\${thread}/stat\`, "utf8");
       return status[status.lastIndexOf(")") + 2];
     });
     if (rank === 0) {
       store.set("pid", String(process.pid));
       await ranks.onFirst(async () => "done");
     } else {
       const pid = Number(store.get("pid"));
       const late = {
         check: (...question) => store.check(...question),
         set: (...question) => store.set(...question),
         get(...question) {
           process.kill(pid, "SIGSTOP");
           while (threadsOf(pid).some((state) => state !== "T")); // The store's thread may answer until it has stopped, too.
           return store.get(...question);
         },
       };
       const others = new ProcessRanks({ group, host: group, store: late });
       await report("", () => others.onFirst(async () => "done"));
       process.kill(pid, "SIGKILL");
     }`,
  );
  expect(stopped.signal).toBe("SIGKILL");
  expect(reading.report).toMatchObject({
    code: "rank-missing",
    ranks: [0],
    message: expect.stringContaining("no sign of life from rank 0, which holds the store"),
  });
  expect(reading.report.seconds).toBeLessThan(timeoutSeconds + slackSeconds);
});
