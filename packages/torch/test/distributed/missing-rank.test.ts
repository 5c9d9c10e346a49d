import { test } from "vitest";
import { runRanks } from "../support/ranks.js";

interface Report {
  name: string;
  code: string;
  ranks: number[];
  message: string;
  seconds: number;
}

const timeoutSeconds = 5;
/** By which a busy machine may be late. A second timeout would take longer. */
const slackSeconds = 3;

/** What every script begins with: \`report(run)\` writes the error of \`run\` and how long it took. */
const beginning = `
  const group = join(${timeoutSeconds});
  const sleep = (seconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * seconds);
  const killSelf = () => { process.kill(process.pid, "SIGKILL"); sleep(60); };
  const report = (run) => {
    const start = performance.now();
    try {
      torch.scope(run);
      console.log(JSON.stringify({ code: "none" }));
    } catch (error) {
      const { name, code, ranks, message } = error;
      console.log(JSON.stringify({ name, code, ranks, message, seconds: (performance.now() - start) / 1000 }));
    }
  };
  const wait = (ranks) => { for (;;) { group.expectAlive(ranks); sleep(0.5); } };
  torch.scope(() => group.allReduce(torch.ones([2])));`;

interface Ended {
  signal: NodeJS.Signals | null;
  all: Report[];
  /** The first. */
  report: Report;
}

const none: Report = { name: "", code: "", ranks: [], message: "", seconds: Number.POSITIVE_INFINITY };

async function reports(worldSize: number, script: string): Promise<Ended[]> {
  const ended = await runRanks(worldSize, beginning + script);
  return ended.map(({ out, signal, code, said }) => {
    if (signal === null && out === "") throw new Error(`expected a report, got none: ${code}: ${said}`);
    const lines = out.split("\n").filter((line) => line !== "");
    const all: Report[] = lines.map((line) => JSON.parse(line));
    return { signal, all, report: all[0] ?? none };
  });
}

// All at once: they wait most of the time.
test.concurrent("a rank that is killed in a step is named by all others, in a backward pass too", async ({
  expect,
}) => {
  const [first, killed, last] = await reports(
    3,
    `const layer = new torch.nn.Linear(4, 4, { generator: new torch.Generator(1) });
     const reducer = new distributed.Reducer({ parameters: layer.parameters(), group });
     if (rank === 1) killSelf();
     report(() => {
       const loss = layer.forward(torch.ones([2, 4])).sum();
       reducer.prepareForBackward();
       loss.backward();
     });`,
  );
  expect(killed.signal).toBe("SIGKILL");
  for (const { report } of [first, last]) {
    expect(report).toMatchObject({ name: "DistributedError", code: "rank-missing", ranks: [1] });
    expect(report).toMatchObject({ message: expect.stringContaining("no sign of life from rank 1") });
    expect(report.seconds).toBeLessThan(timeoutSeconds + slackSeconds);
  }
});

test.concurrent("the holder of the store stays until a rank that asks later knows who is missing", async ({
  expect,
}) => {
  // Rank 0 is gone at once when it knows. With this timeout a rank looks for a verdict four times a second.
  const [first, killed, late] = await reports(
    3,
    `const slow = distributed.ProcessGroup.create({ backend: "gloo", store, rank, worldSize, timeoutSeconds: 20, name: "slow" });
     if (rank === 1) killSelf();
     if (rank === 2) sleep(0.6);
     report(() => slow.allReduce(torch.ones([2])));
     if (rank === 0) killSelf();`,
  );
  expect(killed.signal).toBe("SIGKILL");
  for (const { report } of [first, late]) expect(report).toMatchObject({ code: "rank-missing", ranks: [1] });
});

test.concurrent("the rank that holds the store is named when it is killed, in a step and in a wait", async ({
  expect,
}) => {
  const [killed, ...others] = await reports(
    3,
    `if (rank === 0) killSelf();
     report(() => (rank === 1 ? group.allReduce(torch.ones([2])) : wait([0])));`,
  );
  expect(killed.signal).toBe("SIGKILL");
  for (const { report } of others) {
    expect(report).toMatchObject({
      code: "rank-missing",
      ranks: [0],
      message: expect.stringContaining("holds the store at"),
    });
    expect(report.seconds).toBeLessThan(timeoutSeconds + slackSeconds);
  }
});

test.concurrent("a rank that works for longer than the timeout is waited for, until it is killed or leaves", async ({
  expect,
}) => {
  const [waiting, killed, left] = await reports(
    3,
    `if (rank === 2) group.dispose();
     if (rank === 1) { sleep(${timeoutSeconds} + 1); killSelf(); }
     if (rank > 0) report(() => {});
     else {
       report(() => wait([2]));
       report(() => wait([1]));
     }`,
  );
  expect([killed.signal, left.report.code]).toEqual(["SIGKILL", "none"]);
  const [ofLeft, ofKilled] = waiting.all;
  expect(ofLeft).toMatchObject({
    code: "rank-missing",
    ranks: [2],
    message: "Expected all 3 ranks in a wait, got rank 2 that left the group before.",
  });
  expect(ofKilled).toMatchObject({
    code: "rank-missing",
    ranks: [1],
    message: "Expected all 3 ranks in a wait, got no sign of life from rank 1: killed, stopped or cut off.",
  });
  expect(ofLeft.seconds).toBeLessThan(slackSeconds);
  expect(ofKilled.seconds).toBeGreaterThan(timeoutSeconds);
  expect(ofKilled.seconds).toBeLessThan(2 * timeoutSeconds + slackSeconds);
});

test.concurrent("a rank that is late is named within the timeout, and told so when it comes", async ({
  expect,
}) => {
  const [waiting, late] = await reports(
    2,
    `if (rank === 1) sleep(${timeoutSeconds} + 1);
     report(() => group.allReduce(torch.ones([2])));
     if (rank === 0) sleep(3);`,
  );
  expect(waiting.report).toMatchObject({
    code: "rank-missing",
    ranks: [1],
    message: expect.stringContaining("rank 1 late"),
  });
  expect(waiting.report.seconds).toBeLessThan(timeoutSeconds + slackSeconds);
  expect(late.report).toMatchObject({
    code: "rank-missing",
    ranks: [1],
    message: expect.stringContaining("this one, rank 1, too late"),
  });
});
