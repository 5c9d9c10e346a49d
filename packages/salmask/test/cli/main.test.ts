import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { salmask } from "../support/command-line.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";

const small = [
  ...["--data.crop", "16", "--data.size", "16", "--arch", "resnet18", "--width", "4", "--stem", "small"],
  ...[
    "--queue",
    "6",
    "--method.dim",
    "8",
    "--epochs",
    "1",
    "--batch-size",
    "8",
    "--saliency.warmupEpochs",
    "0",
  ],
];

describe("the command line", () => {
  it.each(["demo", "pretrain", "probe", "views", "doctor"])("prints help for %s", async (name) => {
    const { code, out } = await salmask(name, "--help");
    expect(code).toBe(0);
    expect(out).toContain("--json");
  });

  it("returns 2 for an unknown command or option, and names the nearest", async () => {
    const command = await salmask("pretrian");
    expect(command.code).toBe(2);
    expect(command.err).toContain("pretrain");
    const option = await salmask("pretrain", "photos", "--epoch", "3");
    expect(option.code).toBe(2);
    expect(option.err).toContain("--epochs");
  });

  it("returns 2 for an invalid setting, as JSON if requested", async () => {
    const { code, out } = await salmask("pretrain", "photos", "--epochs", "-3", "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out).error.code).toBe("bad-config");
  });

  it.each([
    ["watch --port 70000", "Expected a whole number from 0 to 65535 for --port"],
    ["pretrain photos --time 600h", "Expected at most 596h for --time"],
    ["pretrain photos --resume --time 1h", "Expected no --time beside --resume"],
  ])("returns 2 for %s", async (line, message) => {
    const { code, err } = await salmask(...line.split(" "));
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });

  it("returns 1 if the photos are missing, and says what was expected", async () => {
    const missing = join(await temporaryFolder(), "none");
    const { code, err } = await salmask("pretrain", missing, ...small);
    expect(code).toBe(1);
    expect(err).toContain(missing);
  });

  it("trains, draws and probes, with one JSON document each on standard output", async () => {
    const folder = await temporaryFolder();
    const cache = ["--data.cache", join(folder, "cache")];
    for (const split of ["train", "test"])
      await writePhotos(join(folder, "set", split), 24, 16, ["red", "blue"]);
    const out = join(folder, "run");
    const trained = await salmask(
      "pretrain",
      join(folder, "set", "train"),
      "--out",
      out,
      "--json",
      ...small,
      ...cache,
    );
    expect(trained.err).toContain("loss");
    expect(trained.code).toBe(0);
    expect(JSON.parse(trained.out)).toMatchObject({ images: 24, steps: 3, stepsHere: 3 });
    for (const name of [
      "config.yaml",
      "metrics.jsonl",
      "summary.json",
      "weights.safetensors",
      "skipped.jsonl",
    ]) {
      expect(existsSync(join(out, name)), name).toBe(true);
    }

    const again = await salmask("pretrain", join(folder, "set", "train"), "--out", out, ...small, ...cache);
    expect(again.code).toBe(2);
    expect(again.err).toContain("--resume");

    const probed = await salmask(
      "probe",
      out,
      join(folder, "set"),
      "--json",
      "--cache",
      join(folder, "cache"),
    );
    expect(probed.code).toBe(0);
    expect(JSON.parse(probed.out).knn.top1).toBeGreaterThan(0.9);

    const sheet = join(folder, "views.png");
    const views = await salmask(
      "views",
      join(folder, "set", "train"),
      "--out",
      sheet,
      "--count",
      "3",
      "--json",
      ...["--data.crop", "16", "--data.size", "16", "--stem", "small"],
      ...cache,
    );
    expect(views.code).toBe(0);
    expect(JSON.parse(views.out).photos).toHaveLength(3);
    expect(existsSync(sheet)).toBe(true);
  });
});
