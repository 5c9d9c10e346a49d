import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { full, liveTensors, scope } from "@salmask/torch";
import { expect, test } from "vitest";
import { answerOf, compiled } from "./support/node.js";

/** Runs a script in a worker with `torch` (the library) and `parentPort`. The script posts one answer. */
function inWorker(script: string): Worker {
  return new Worker(
    `import { parentPort } from "node:worker_threads";
    const torch = await import(${JSON.stringify(compiled)});
    ${script}`,
    { eval: true, execArgv: ["--input-type=module"], stderr: false },
  );
}

test("a worker has handles of its own: it neither sees nor frees the main thread's tensors", async () => {
  await scopeOfMain(async (ours) => {
    const worker = inWorker(`
      const before = torch.liveTensors().count;
      const theirs = torch.keep(torch.full([2], 5));
      // Handles of the main thread, by their numbers: none of them is known here.
      const foreign = [];
      for (let handle = 1; handle < 50; handle++) {
        if (handle === theirs.handle) continue;
        try { new torch.Operator("aten::neg", "").call(handle); foreign.push(handle); } catch {}
      }
      torch.noGrad(() => theirs.add_(1));
      parentPort.postMessage({ before, foreign, handle: theirs.handle, value: theirs.toArray() });`);
    // Both at once: Node can emit a last message and the exit in one go.
    const [[answer]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
    expect(answer).toEqual({ before: 0, foreign: [], handle: 1, value: [6, 6] });
    expect(ours.map((tensor) => tensor.item())).toEqual([0, 1, 2, 3]);
    expect(liveTensors().count).toBe(4);
  });
});

async function scopeOfMain(use: (tensors: ReturnType<typeof full>[]) => Promise<void>): Promise<void> {
  const tensors = scope(() => [0, 1, 2, 3].map((value) => full([], value)));
  try {
    await use(tensors);
  } finally {
    for (const tensor of tensors) tensor.dispose();
  }
}

test("threads that train at the same time get the same results as alone", () => {
  const step = `
    const step = (seed) => torch.scope(() => {
      const generator = new torch.Generator(seed);
      const layer = new torch.nn.Linear(16, 16, { generator });
      const input = torch.randn([8, 16], { generator });
      const optimizer = new torch.optim.SGD(layer.namedParameters(), { lr: 0.1, momentum: 0.9 });
      for (let i = 0; i < 200; i++) {
        torch.scope(() => { optimizer.zeroGrad(); const y = layer.forward(input); y.mul(y).sum().backward(); optimizer.step(); });
      }
      const sum = layer.weight.detach().sum().item();
      optimizer.dispose(); layer.zeroGrad(); layer.dispose();
      return [sum, torch.liveTensors().count];
    });`;
  const [alone, beside] = [0, 2].map((workers) =>
    answerOf<[number, number][]>(
      `const { Worker } = await import("node:worker_threads");
      const { once } = await import("node:events");
      ${step}
      const source = ${JSON.stringify(`import { parentPort, workerData } from "node:worker_threads";
        const torch = await import(${JSON.stringify(compiled)});
        ${step}
        parentPort.postMessage(step(workerData));`)};
      const started = Array.from({ length: ${workers} }, (_, seed) => new Worker(source, { eval: true, execArgv: ["--input-type=module"], workerData: seed + 1 }));
      const answers = started.map((worker) => once(worker, "message"));
      torch.setNumThreads(1);
      const own = step(0);
      const others = ${workers} > 0 ? (await Promise.all(answers)).map(([answer]) => answer) : [step(1), step(2)];
      console.log(JSON.stringify([own, ...others].map(([sum]) => sum)));`,
      { OMP_NUM_THREADS: "1" },
    ),
  );
  expect(beside).toEqual(alone);
});

test("the tensors of a worker are freed when it ends and when it is stopped", () => {
  const worker = `
    import { parentPort } from "node:worker_threads";
    const torch = await import(${JSON.stringify(compiled)});
    torch.keep(torch.ones([64 * 2 ** 20])); // 256 MiB
    parentPort.postMessage("made");`;
  const grown = answerOf<number[]>(`
    const { Worker } = await import("node:worker_threads");
    const { once } = await import("node:events");
    const { readFileSync } = await import("node:fs");
    const resident = () => Number(/VmRSS:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
    torch.ones([1]).dispose();
    const grown = [];
    for (const isStopped of [false, true]) {
      const source = ${JSON.stringify(worker)} + (isStopped ? "setInterval(() => {}, 1000);" : "");
      const before = resident();
      const started = new Worker(source, { eval: true, execArgv: ["--input-type=module"] });
      const exit = once(started, "exit");
      await once(started, "message");
      grown.push(resident() - before);
      if (isStopped) await started.terminate();
      await exit;
      grown.push(resident() - before);
    }
    console.log(JSON.stringify(grown));`);
  const [whileEnding, ended, whileStopped, stopped] = grown;
  // The message may arrive after the worker has ended. A worker that waits to be stopped still has its tensor.
  expect(whileEnding).toBeGreaterThanOrEqual(0);
  expect(whileStopped).toBeGreaterThan(200);
  expect(ended).toBeLessThan(100);
  expect(stopped).toBeLessThan(100);
});
