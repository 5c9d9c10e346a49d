import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { run } from "../../src/cli/main.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { temporaryFolder } from "../support/photos.js";

/** What `salmask doctor` says of a run that has made four steps. */
async function saidOf(settings: string): Promise<string> {
  const folder = new RunFolder(await temporaryFolder());
  await writeFile(join(folder.path, "config.yaml"), settings);
  const entry = { step: 4, epoch: 0, time: null, lr: 0.1, imagesPerSecond: 10, seconds: null };
  folder.log.append({ ...entry, logs: { loss: 2.5 } });
  let said = "";
  const streams = {
    out: (text: string) => {
      said += text;
    },
    err: () => {},
  };
  expect(await run(["doctor", folder.path], streams)).toBe(0);
  return said.replace(folder.path, "RUN");
}

it("says of a run of pre-training what to try", async () => {
  expect(await saidOf("version: 2\n")).toContain("Give more --train.epochs");
});

it.each(["finetune", "detect"])("names no setting to a run of %s, which has others", async (kind) => {
  expect(await saidOf(`version: 1\ntask: ${kind}\n`)).toBe(
    `RUN: 4 steps, loss 2.500\nThere are no checks for a run of ${kind}, only for one of pretrain.\n`,
  );
});
