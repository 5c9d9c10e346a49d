/** What a step of two processes that pre-train together gives to collectives: calls and bytes of each process. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { distributed } from "@salmask/torch";
import { freePort } from "../packages/torch/test/support/ranks.js";
import type { Row } from "./rows.js";

export type Traffic = Record<distributed.Collective, distributed.TrafficCount>;

/** Photos of both processes in a step. */
export const batch = 32;
export const crop = 64;

export const methods: Readonly<Record<string, { method: object; batchNorm: "local" | "sync" }>> = {
  "MoCo v2, keys shuffled over ranks": {
    method: { name: "mocov2", queue: 1024, groups: 2 },
    batchNorm: "local",
  },
  "MoCo v2, SyncBN": { method: { name: "mocov2", queue: 1024, groups: 1 }, batchNorm: "sync" },
  "SimCLR, SyncBN": { method: { name: "simclr" }, batchNorm: "sync" },
  "BYOL, SyncBN": { method: { name: "byol" }, batchNorm: "sync" },
};

const side = fileURLToPath(new URL("traffic-side.ts", import.meta.url));

/** Runs one of the processes; returns what it printed. */
function countedBy(rank: number, port: number): Promise<Record<string, Traffic>> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, ["--import", "tsx", side, String(rank), String(port)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    child.stdout.on("data", (text: Buffer) => {
      printed += text.toString();
    });
    child.on("error", fail).on("close", (code) => {
      if (code === 0) done(JSON.parse(printed));
      else fail(new Error(`Expected process ${rank} to end with 0, got ${code}.`));
    });
  });
}

export async function run(): Promise<Row[]> {
  const port = await freePort();
  const [counted] = await Promise.all([countedBy(0, port), countedBy(1, port)]);
  return Object.entries(counted).flatMap(([name, traffic]) =>
    Object.entries(traffic)
      .filter(([, { calls }]) => calls > 0)
      .map(
        ([kind, { calls, bytes }]): Row => ({
          name: `${name}: ${kind}, ${calls} calls`,
          unit: "MiB",
          ours: bytes / 2 ** 20,
          peer: null,
          ratio: null,
        }),
      ),
  );
}
