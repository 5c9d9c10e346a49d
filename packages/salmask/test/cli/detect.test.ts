import { readFileSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Generator } from "@salmask/torch";
import { expect, it } from "vitest";
import { rleOfString } from "../../src/data/samples/rle-string.js";
import { createBackbone } from "../../src/models/registry.js";
import { saveBackbone } from "../../src/weights/files.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder } from "../support/photos.js";

/** Small photos, and heads that are small too. */
const small = [
  ...["--masks", "true", "--short-sides", "64", "--detection.anchorSizes", "8,16,24,32,48"],
  ...["--detection.pyramidChannels", "16", "--detection.headWidth", "32", "--detection.box.leastScore", "0"],
  ...[
    "--detection.rpn.candidates",
    "30",
    "--detection.rpn.proposals",
    "20",
    "--detection.box.detections",
    "5",
  ],
  ...["--epochs", "1", "--batch-size", "2", "--threads", "1", "--precision", "float32"],
];

it("draws a set, trains a detector on it, scores it and finds objects", { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(at("encoder.safetensors"), backbone, {});
  const drawn = ["--objects", "--train", "4", "--test", "3", "--size", "64", "--classes", "2"];
  expect(await salmask("data", "embedded", at("set"), ...drawn)).toMatchObject({ code: 0, err: "" });

  const trained = await salmask(
    "detect",
    "train",
    at("encoder.safetensors"),
    at("set"),
    ...small,
    "--out",
    at("run"),
  );
  expect(trained).toMatchObject({ code: 0, err: "" });
  expect(trained.out).toContain("done: 4 photos with ");
  expect(trained.out).toContain(`next: salmask detect eval ${at("run")} ${at("set")}\n`);

  const asked = [
    "--json",
    "--results",
    at("found.json"),
    "--pictures",
    at("found"),
    "--count",
    "2",
    "--score",
    "0",
  ];
  const scored = await salmask("detect", "eval", at("run"), at("set"), ...asked);
  expect(scored.code).toBe(0);
  const scores = JSON.parse(scored.out);
  expect(scores).toMatchObject({ photos: 3, boxes: { all: {} }, masks: { all: {} } });
  expect((await readdir(at("found"))).sort()).toEqual(["00000.png", "00001.png"]);
  const found: { image_id: number; category_id: number; segmentation: { counts: string } }[] = JSON.parse(
    readFileSync(at("found.json"), "utf8"),
  );
  expect(found.length).toBeGreaterThan(0);
  for (const { image_id, category_id, segmentation } of found) {
    expect([1, 2, 3]).toContain(image_id);
    expect([1, 2]).toContain(category_id);
    expect(rleOfString(segmentation.counts, 64, 64).counts.length).toBeGreaterThan(0);
  }

  const photos = join(at("set"), "test");
  const predicted = await salmask("detect", "predict", at("run"), photos, "--out", at("own"), "--score", "0");
  expect(predicted.code).toBe(0);
  expect(predicted.out).toContain(" objects in 3 photos");
  expect((await readdir(join(at("own"), "pictures"))).sort()).toEqual([
    "00000.png",
    "00001.png",
    "00002.png",
  ]);
  expect(await salmask("detect", "predict", at("run"), photos, "--out", at("own"))).toMatchObject({
    code: 2,
    err: expect.stringContaining("new or empty folder for --out"),
  });

  writeFileSync(join(photos, "00001.png"), "no photo");
  expect(await salmask("detect", "eval", at("run"), at("set"))).toMatchObject({
    code: 1,
    err: expect.stringContaining("Expected a photo that can be decoded"),
  });
});

it("trains by a preset on several parts for some steps, and says what it chose by the photos", {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(at("encoder.safetensors"), backbone, {});
  const drawn = ["--objects", "--train", "3", "--test", "2", "--size", "64", "--classes", "2"];
  expect(await salmask("data", "embedded", at("set"), ...drawn)).toMatchObject({ code: 0, err: "" });
  const asked = ["--preset", "small", "--steps", "3", "--batch-size", "2", "--split", "train,test"];
  const train = (...more: string[]) =>
    salmask("detect", "train", at("encoder.safetensors"), at("set"), ...asked, "--out", at("run"), ...more);
  const trained = await train("--threads", "1", "--precision", "float32");
  expect(trained).toMatchObject({ code: 0, err: "" });
  expect(trained.out).toContain("done: 5 photos with ");
  expect(trained.out).toContain("2 epochs, 3 steps in ");
  expect(trained.out).toMatch(/Photos become 64 px on their shorter side: .*\(detection\.shortSides\)/);
  const config = readFileSync(at("run/config.yaml"), "utf8");
  expect(config).toContain("pyramidChannels: 64\n");
  expect(config).toMatch(/longSide: 64\n/);
  expect(await train("--epochs", "2")).toMatchObject({
    code: 2,
    err: expect.stringContaining("Expected auto beside train.steps 3 for --epochs, got 2."),
  });
});

it("refuses what is no detector, and photos without objects", { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(at("encoder.safetensors"), backbone, {});
  await salmask(
    "data",
    "embedded",
    at("set"),
    "--train",
    "4",
    "--test",
    "2",
    "--size",
    "32",
    "--classes",
    "2",
  );
  const scored = await salmask("detect", "eval", at("encoder.safetensors"), at("set"));
  expect(scored.code).not.toBe(0);
  expect(scored.err).toContain("Expected a detector's weights");
  const trained = await salmask("detect", "train", at("encoder.safetensors"), at("set"), "--out", at("run"));
  expect(trained).toMatchObject({
    code: 2,
    err: expect.stringContaining("Expected a set with boxes of objects"),
  });
});
