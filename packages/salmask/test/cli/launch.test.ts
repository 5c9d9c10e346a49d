/** Training in several processes, as their users start them. */
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadSafetensors, scope } from "@salmask/torch";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { stringifyYaml } from "../../src/base/yaml.js";
import { configSchema } from "../../src/config/schema.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { listCheckpoints } from "../../src/training/checkpoint.js";
import { ended } from "../support/ended.js";
import { writePhotos } from "../support/photos.js";

const salmask = resolve(import.meta.dirname, "../../bin/salmask.js");

/** Twenty steps on 16 photos, a checkpoint after every second; a network without batch norm, whose results do not depend on how a batch is divided. */
const settings = {
  device: "cpu",
  precision: "float32",
  threads: 1,
  data: { crop: 16, size: 16 },
  model: { arch: "vit_tiny", width: 48, patch: 8, positions: 2 },
  method: { name: "mocov2", queue: 16, dim: 8, hidden: 16, groups: 2 },
  saliency: { source: "centre", scope: "crop", warmupEpochs: 0 },
  train: { epochs: 10, batchSize: 8, lr: 0.003, logEvery: 1, varianceEvery: 0 },
};

interface Prepared {
  readonly folder: string;
  readonly photos: string;
  readonly config: object;
  /** The command line of a run in this folder. */
  readonly line: (out: string, ...more: string[]) => string[];
}

async function prepare(): Promise<Prepared> {
  const folder = await mkdtemp(join(tmpdir(), "salmask-test-"));
  await writePhotos(join(folder, "photos"), 16, 16, ["a"]);
  const photos = join(folder, "photos");
  const config = { ...settings, data: { ...settings.data, cache: join(folder, "cache") } };
  await writeFile(join(folder, "run.yaml"), stringifyYaml(config));
  const line = (out: string, ...more: string[]) => [
    ...[salmask, "pretrain", photos, "--config", join(folder, "run.yaml")],
    ...["--out", join(folder, out), ...more],
  ];
  return { folder, photos, config, line };
}

/** The weights of a run, by name. */
const weightsOf = (folder: string, out: string) =>
  scope(() =>
    Object.fromEntries(
      Object.entries(loadSafetensors(join(folder, out, "weights.safetensors"))).map(([name, tensor]) => [
        name,
        tensor.toFloat32Array(),
      ]),
    ),
  );

function expectClose(
  some: Record<string, Float32Array>,
  others: Record<string, Float32Array>,
  apart: number,
): void {
  expect(Object.keys(some)).toEqual(Object.keys(others));
  for (const [name, values] of Object.entries(some))
    for (const [i, value] of values.entries())
      if (!(Math.abs(value - others[name][i]) <= apart))
        throw new Error(`${name}[${i}]: ${value} and ${others[name][i]}`);
}

/** The process of a rank of a run that writes to `out`. */
function processOf(out: string, rank: number): number {
  const found = readdirSync("/proc").find((pid) => {
    try {
      const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0");
      return read("cmdline").includes(out) && read("environ").includes(`RANK=${rank}`);
    } catch {
      return false;
    }
  });
  return Number(found ?? Number.NaN);
}

/** Resolves when the run has logged a step. */
async function logged(out: string, step: number): Promise<void> {
  for (;;) {
    try {
      if (readFileSync(join(out, "metrics.jsonl"), "utf8").includes(`"step":${step},`)) return;
    } catch {}
    await sleep(20);
  }
}

const hosts = ["salmask-a", "salmask-b"].map((name) => `${name}-${process.pid}`);
const addresses = ["10.99.77.1", "10.99.77.2"];
const ip = (...args: string[]) => execFileSync("ip", args, { stdio: "pipe" });

/** Whether this user may make network namespaces; if not, says so. */
function hasNamespaces(): boolean {
  try {
    ip("netns", "add", `${hosts[0]}-trial`);
    ip("netns", "del", `${hosts[0]}-trial`);
    return true;
  } catch {
    console.warn("SKIPPED: no network namespaces for this user, so that two machines are not tried");
    return false;
  }
}

/** Two network namespaces with their own addresses and a cable between them, until the test ends. */
function connectHosts(): void {
  for (const host of hosts) ip("netns", "add", host);
  onTestFinished(() => void hosts.map((host) => ip("netns", "del", host)));
  ip("link", "add", "cable", "netns", hosts[0], "type", "veth", "peer", "name", "cable", "netns", hosts[1]);
  for (const [rank, host] of hosts.entries()) {
    ip("-n", host, "address", "add", `${addresses[rank]}/24`, "dev", "cable");
    ip("-n", host, "link", "set", "cable", "up");
    ip("-n", host, "link", "set", "lo", "up");
  }
}

describe("a run in two processes", () => {
  let prepared: Prepared;
  let alone: Record<string, Float32Array>;
  beforeAll(async () => {
    prepared = await prepare();
    const { photos, config } = prepared;
    await pretrain({ photos, out: join(prepared.folder, "alone"), config: configSchema.parse(config) });
    alone = weightsOf(prepared.folder, "alone");
    return () => rm(prepared.folder, { recursive: true, force: true });
  });

  /** torchrun 1.13 on Python 3.11 knows flags of one bit alone, not those of none, the default. */
  const withoutPython311Fault = ["--redirects", "1", "--tee", "1"];

  it("started by torchrun learns the same", async () => {
    const { folder, line } = prepared;
    const torchrun = [
      "--nproc_per_node",
      "2",
      "--rdzv_backend",
      "c10d",
      "--rdzv_endpoint",
      "localhost:0",
      "--monitor_interval",
      "0.2",
      ...withoutPython311Fault,
      "--log_dir",
      join(folder, "torchrun-logs"),
      "--no_python",
    ];
    const { code, err } = await ended(
      spawn("/usr/bin/torchrun", [...torchrun, process.execPath, ...line("torchrun")]),
    );
    expect(code, err).toBe(0);
    expectClose(weightsOf(folder, "torchrun"), alone, 1e-5);
  });

  it("ends with a checkpoint where it is interrupted, ends with the rank that was killed or starts again, and learns what one process learns without a break", async () => {
    const { folder, line } = prepared;
    const out = join(folder, "broken");
    const start = (...more: string[]) => spawn(process.execPath, line("broken", "--processes", "2", ...more));
    /** Resolves when the log goes on by two steps. */
    const goesOn = () => logged(out, (new RunFolder(out).log.read().at(-1)?.step ?? 0) + 2);

    const child = start();
    const interrupted = ended(child);
    await goesOn();
    child.kill("SIGINT");
    const first = await interrupted;
    const times = first.err.match(/salmask: Stopped after step/g)?.length;
    expect({ code: first.code, times }).toEqual({ code: 130, times: 1 });
    expect(processOf(out, 1)).toBeNaN();
    expect(listCheckpoints(join(out, "checkpoints"))).not.toEqual([]);

    const killed = ended(start("--resume"));
    await goesOn();
    process.kill(processOf(out, 1), "SIGKILL");
    const second = await killed;
    expect(second.code).toBe(1);
    expect(second.err).toContain(
      "salmask: Expected 2 processes that train to the end, got rank 1 that was ended by SIGKILL.",
    );

    const restarted = ended(start("--resume", "--max-restarts", "1", "--json"));
    await goesOn();
    process.kill(processOf(out, 0), "SIGKILL");
    const third = await restarted;
    expect(third.code, third.err).toBe(0);
    expect(JSON.parse(third.out)).toMatchObject({ kind: "pretrain", steps: 20 });
    expect(third.err).toContain(
      "rank 0 of 2 was ended by SIGKILL; starting all again from the last checkpoint, restart 1 of 1",
    );
    expectClose(weightsOf(folder, "broken"), alone, 1e-5);
  });

  it.skipIf(!hasNamespaces())(
    "on two machines trains, and ends within the timeout where the cable is cut",
    async () => {
      const { folder, line } = prepared;
      const out = join(folder, "cut");
      const start = (...more: string[]) =>
        hosts.map((host, rank) => {
          const place = {
            RANK: String(rank),
            WORLD_SIZE: "2",
            LOCAL_RANK: "0",
            MASTER_ADDR: addresses[0],
            MASTER_PORT: "29500",
          };
          const command = [
            "netns",
            "exec",
            host,
            process.execPath,
            ...line("cut", "--rank-timeout", "6s", ...more),
          ];
          return ended(spawn("ip", command, { env: { ...process.env, ...place } }));
        });
      connectHosts();
      const first = start();
      await logged(out, 4);
      const cutAt = performance.now();
      ip("-n", hosts[0], "link", "set", "cable", "down");
      const ends = await Promise.all(first);
      expect((performance.now() - cutAt) / 1000).toBeLessThan(30);
      for (const [rank, { code, err }] of ends.entries()) {
        expect(code).toBe(1);
        expect(err).toMatch(
          new RegExp(`salmask: Expected all 2 ranks in .*, got no sign of life from rank ${1 - rank}`),
        );
        expect(err).toContain(`The last checkpoint is ${out}`);
      }
      ip("-n", hosts[0], "link", "set", "cable", "up");
      for (const { code, err } of await Promise.all(start("--resume"))) expect(code, err).toBe(0);
      expectClose(weightsOf(folder, "cut"), alone, 1e-5);
    },
  );
});
