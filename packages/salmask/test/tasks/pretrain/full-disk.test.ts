import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { scope } from "@salmask/torch";
import { expect, it, onTestFinished } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { listCheckpoints, loadCheckpoint } from "../../../src/training/checkpoint.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

const asRoot = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: "utf8" });

/** A separate disk in memory with a known size; null if the system does not allow one. */
async function smallDisk(bytes: number): Promise<string | null> {
  const folder = join(await temporaryFolder(), "disk");
  mkdirSync(folder);
  if (asRoot("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder).status !== 0) return null;
  onTestFinished(() => void asRoot("umount", folder));
  return folder;
}

it("stops on a full disk, and continues to the same weights when there is space", async (context) => {
  const folder = await temporaryFolder();
  const photos = join(folder, "photos");
  await writePhotos(photos, 24, 16, ["a"]);
  const data = { ...smallSettings.data, cache: join(folder, "cache") };
  const config = configSchema.parse({ ...smallSettings, threads: 1, data });
  const whole = join(folder, "whole");
  await pretrain({ photos, out: whole, config, resume: false });
  const [newest] = listCheckpoints(join(whole, "checkpoints"));

  const disk = await smallDisk(1.5 * statSync(newest).size);
  if (disk === null) return context.skip("no small disk: mounting one needs root");
  const out = join(disk, "run");
  await expect(pretrain({ photos, out, config, resume: false })).rejects.toMatchObject({
    code: "disk-full",
    message: expect.stringContaining("step-000000003.safetensors, is whole"),
  });
  const left = listCheckpoints(join(out, "checkpoints"));
  expect(left).toHaveLength(1);
  scope(() => expect(loadCheckpoint(left[0]).position.step).toBe(3));

  expect(asRoot("mount", "-o", "remount,size=64m", disk).status).toBe(0);
  await pretrain({ photos, out, config, resume: true });
  const weights = (run: string) => readFileSync(join(run, "weights.safetensors"));
  expect(weights(out).equals(weights(whole))).toBe(true);
});
