import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { compiled } from "./node.js";

/** How a process of a rank ended. */
export interface RankEnded {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The text on standard output. */
  out: string;
  /** The text on standard error. */
  said: string;
}

/** A port of loopback that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("expected a port, got none");
  return address.port;
}

/**
 * Runs a script in a process for each rank, on loopback. It has `torch` (the compiled library), `distributed`, `rank`, `worldSize`,
 * `store` (rank 0 holds it) and `join(timeoutSeconds)`, which gives the group; what is written to standard output is its answer.
 */
export async function runRanks(worldSize: number, script: string): Promise<RankEnded[]> {
  const port = await freePort();
  return Promise.all(
    Array.from({ length: worldSize }, (_, rank) => {
      const source = `
        const torch = await import(${JSON.stringify(compiled)});
        const { distributed } = torch;
        const [rank, worldSize] = [${rank}, ${worldSize}];
        torch.setNumThreads(1);
        const store = new distributed.TCPStore({ host: "127.0.0.1", port: ${port}, isServer: rank === 0, timeoutSeconds: 30 });
        const join = (timeoutSeconds) =>
          distributed.ProcessGroup.create({ backend: "gloo", store, rank, worldSize, timeoutSeconds });
        ${script}`;
      return ended(source);
    }),
  );
}

function ended(source: string): Promise<RankEnded> {
  const preload = process.env.SALMASK_TEST_PRELOAD; // the sanitizers' runtime, if they are enabled
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    env: { ...process.env, LD_PRELOAD: preload },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, said] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, said }));
  });
}

/** The answers of all ranks, each written as JSON. Throws where a rank did not end with 0. */
export async function answersOfRanks<T>(worldSize: number, script: string): Promise<T[]> {
  const all = await runRanks(worldSize, script);
  return all.map(({ code, signal, out, said }, rank) => {
    if (code !== 0) throw new Error(`expected rank ${rank} to end with 0, got ${signal ?? code}: ${said}`);
    return JSON.parse(out);
  });
}
