import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { KeyedRandom } from "@salmask/torch";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

const salmask = resolve(import.meta.dirname, "../../../bin/salmask.js");
const steps = 18;

function start(folder: string, out: string, ...more: string[]): ChildProcess {
  const args = [
    salmask,
    "pretrain",
    join(folder, "photos"),
    "--config",
    join(folder, "run.yaml"),
    "--out",
    out,
    ...more,
  ];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
}

async function finish(child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr?.on("data", (data) => {
    said += data;
  });
  const code = await new Promise((done) => child.on("close", done));
  expect(code, said).toBe(0);
}

const stepsDone = (out: string) => {
  const path = join(out, "metrics.jsonl");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
};

/** Kills the run with SIGKILL when it has logged the step, or shortly afterwards, while it may be writing. */
async function killAfter(
  child: ChildProcess,
  out: string,
  step: number,
  milliseconds: number,
): Promise<void> {
  const closed = new Promise((done) => child.on("close", done));
  while (stepsDone(out) < step && child.exitCode === null) await wait(2);
  await wait(milliseconds);
  child.kill("SIGKILL");
  await closed;
}

it("ends with the same weights, bit for bit, after a SIGKILL at any step", { timeout: 400_000 }, async () => {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 24, 16, ["a"]);
  const data = { ...smallSettings.data, cache: join(folder, "cache") };
  const train = { ...smallSettings.train, epochs: steps / 3 };
  await writeFile(join(folder, "run.yaml"), stringify({ ...smallSettings, threads: 1, data, train }));
  await finish(start(folder, join(folder, "whole")));
  const expected = readFileSync(join(folder, "whole", "weights.safetensors"));

  const random = new KeyedRandom(2024);
  let resumed = 0;
  for (let round = 0; round < 6; round++) {
    const out = join(folder, `killed-${round}`);
    await killAfter(start(folder, out), out, 1 + random.integer(steps - 2), random.integer(20));
    const hasCheckpoint =
      existsSync(join(out, "checkpoints", "step-000000003.safetensors")) || stepsDone(out) > 3;
    resumed += Number(hasCheckpoint);
    await finish(start(folder, out, ...(hasCheckpoint ? ["--resume"] : [])));
    expect(readFileSync(join(out, "weights.safetensors")).equals(expected), `round ${round}`).toBe(true);
  }
  expect(resumed).toBeGreaterThan(2);
});
