/** `salmask pretrain PHOTOS` by a user who has chosen no settings. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { RunFolder } from "../../src/runs/run-folder.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";

async function prepare(): Promise<{ folder: string; photos: string; cache: readonly string[] }> {
  const folder = await temporaryFolder();
  const photos = join(folder, "photos");
  await writePhotos(photos, 24, 32, ["red", "blue"]);
  return { folder, photos, cache: ["--data.cache", join(folder, "cache"), "--precision", "float32"] };
}

const bytesOf = (path: string) => readFileSync(path);

describe("pretrain without settings", () => {
  it("chooses them, says why, trains, compares, and writes them to a file for --config", async () => {
    const { folder, photos, cache } = await prepare();
    const out = join(folder, "run");
    const first = await salmask("pretrain", photos, "--out", out, "--time", "2s", ...cache);
    expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: "" });
    expect(first.out).toMatch(/^24 photos of about 32 px, and 2s: resnet18 of width 8 on crops of 32 px\./);
    expect(first.out).toContain(`These settings go to ${out}/config.yaml`);
    expect(first.out).toMatch(/training: \d+ epochs of 12 steps, 2 photos per step/);
    expect(first.out).toContain("on these photos' classes, 18 known and 6 asked about:");
    expect(first.out).toMatch(/kNN +\d+\.\d % {3}untrained \d+\.\d %/);
    const order = ["24 photos of", "training:", "a step takes", "done:", "on these photos' classes"];
    const places = order.map((text) => first.out.indexOf(text));
    expect(places).toEqual(places.toSorted((a, b) => a - b));

    const ended = new RunFolder(out);
    const config = ended.readConfig();
    expect(config).toMatchObject({ data: { crop: 32 }, method: { name: "simclr" }, precision: "float32" });
    expect(ended.readSummary()).toMatchObject({ kind: "pretrain", images: 24, classes: { scored: 6 } });
    expect(parse(readFileSync(join(out, "config.yaml"), "utf8")).version).toBe(3);

    // A shorter run with the same settings.
    const again = join(folder, "again");
    const given = ["--config", join(out, "config.yaml"), "--epochs", "1"];
    const second = await salmask("pretrain", photos, "--out", again, ...given);
    expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: "" });
    expect(second.out).not.toContain("These settings go to");
    const { epochs: _, ...train } = config.train;
    expect(new RunFolder(again).readConfig()).toMatchObject({ ...config, train });

    // --resume without settings uses the run's own settings, not a new recipe.
    const resumed = await salmask("pretrain", photos, "--out", again, "--resume");
    expect({ code: resumed.code, err: resumed.err }).toEqual({ code: 0, err: "" });
    expect(resumed.out).toContain("going on after step 12");
    expect(resumed.out).toContain("done: 0 of 12 steps");
    expect(resumed.out).not.toContain("These settings go to");
    const changed = await salmask("pretrain", photos, "--out", again, "--resume", "--lr", "1");
    expect(changed.code).toBe(2);
    expect(changed.err).toMatch(/train\.lr was .* and is 1/);
  });

  it("continues from a named checkpoint, with the run's own settings, to the same weights", async () => {
    const { folder, photos, cache } = await prepare();
    const settings = [
      ...["--data.crop", "16", "--data.size", "16", "--arch", "resnet18", "--width", "8", "--stem", "small"],
      ...["--queue", "6", "--method.dim", "8", "--method.groups", "2", "--batch-size", "8", "--epochs", "2"],
      ...["--saliency.warmupEpochs", "0", "--train.varianceEvery", "0", "--train.keep", "9"],
    ];
    const whole = join(folder, "whole");
    expect(
      (await salmask("pretrain", photos, "--out", whole, "--preset", "paper", ...settings, ...cache)).code,
    ).toBe(0);
    const before = bytesOf(join(whole, "weights.safetensors"));
    const half = join(whole, "checkpoints", "step-000000003.safetensors");
    const { code, out } = await salmask("pretrain", photos, "--out", whole, "--resume", half);
    expect(code).toBe(0);
    expect(out).toContain("done: 3 of 6 steps");
    expect(bytesOf(join(whole, "weights.safetensors")).equals(before)).toBe(true);
  });

  it("rejects --time together with settings", async () => {
    const { folder, photos } = await prepare();
    for (const named of [
      ["--config", join(folder, "run.yaml")],
      ["--preset", "paper"],
    ]) {
      const { code, out, err } = await salmask("pretrain", photos, "--time", "2s", "--json", ...named);
      expect(code).toBe(2);
      expect(JSON.parse(out).error.code).toBe("time-and-settings");
      expect(err).toMatch(/--time/);
    }
  });

  it.each(["5x", "x", "10", "0s", "-3m", "1e9h", "1m30s", "s", ""])("refuses --time %j", async (time) => {
    const { code, out } = await salmask("pretrain", "photos", `--time=${time}`, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out).error).toMatchObject({
      code: "bad-option",
      message: `Expected a duration such as 90s, 10m or 2h for --time, got ${JSON.stringify(time)}.`,
    });
  });

  it("rejects a used folder and too few photos, and writes nothing", async () => {
    const { folder, photos } = await prepare();
    const few = join(folder, "few");
    await writePhotos(few, 15, 16, ["a"]);
    const said = await salmask("pretrain", few, "--out", join(folder, "run"), "--json");
    expect(JSON.parse(said.out).error).toMatchObject({
      code: "too-few-photos",
      message: `Expected at least 16 photos in ${few}, got 15.`,
    });
    expect(existsSync(join(folder, "run"))).toBe(false);
    const taken = await salmask("pretrain", photos, "--out", photos, "--json");
    expect(JSON.parse(taken.out).error.code).toBe("folder-taken");
  });
});
