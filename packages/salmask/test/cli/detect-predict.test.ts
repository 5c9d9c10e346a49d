import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Generator } from "@salmask/torch";
import sharp from "sharp";
import { beforeEach, expect, it } from "vitest";
import type { RunEvent } from "../../src/base/events.js";
import { predictPhotos } from "../../src/cli/detect-predict.js";
import { detectionSettings } from "../../src/detection/settings.js";
import { createBackbone } from "../../src/models/registry.js";
import { buildDetector, saveDetector } from "../../src/weights/detector-files.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder } from "../support/photos.js";

let folder = "";
const at = (name: string) => join(folder, name);
const photo = (name: string) =>
  sharp({ create: { width: 48, height: 40, channels: 3, background: "teal" } }).toFile(at(`photos/${name}`));

/** A detector that was not trained, and which finds something everywhere. */
beforeEach(async () => {
  folder = await temporaryFolder();
  await mkdir(at("photos"));
  const backbone = { arch: "resnet18", stem: "small", width: 8 } as const;
  const settings = detectionSettings.parse({
    ...{ shortSides: [40], anchorSizes: [8, 16, 24, 32, 48], pyramidChannels: 8, headWidth: 16 },
    ...{ rpn: { candidates: 30, proposals: 20 }, box: { leastScore: 0, detections: 5 } },
  });
  const description = { backbone, settings, categories: [{ id: 7, name: "cat" }], highPass: null };
  using detector = buildDetector(description, createBackbone(backbone, new Generator(1)), new Generator(2));
  saveDetector(at("weights.safetensors"), detector, description);
});

const imagesIn = async (results: string): Promise<string[]> => {
  const found: { image_id: string }[] = JSON.parse(await readFile(results, "utf8"));
  return [...new Set(found.map(({ image_id }) => image_id))];
};

it("goes on after files that it cannot use, names them, and gives each photo a picture of its own", async () => {
  for (const name of ["a.jpg", "a.png", "c.png"]) await photo(name);
  await writeFile(at("photos/b.jpg"), "no photo");
  await symlink(at("nowhere.png"), at("photos/d.png"));
  const call = ["detect", "predict", at("weights.safetensors"), at("photos"), "--out", at("out")];
  const said = await salmask(...call, "--score", "0", "--json");
  expect(said.code).toBe(0);
  expect(said.err).toContain("left out 2 files (d.png: Expected a file, got a link to nothing.; b.jpg: ");
  const result = JSON.parse(said.out);
  expect(result).toMatchObject({ photos: 3, skipped: [{ name: "d.png" }, { name: "b.jpg" }] });
  expect(result.skipped[1].reason).not.toContain("b.jpg");
  expect((await readdir(at("out/pictures"))).sort()).toEqual(["a.jpg.png", "a.png.png", "c.png"]);
  expect(await imagesIn(result.results)).toEqual(["a.jpg", "a.png", "c.png"]);
});

/** Interrupts when as many photos are done. */
function interrupted(done: number) {
  const controller = new AbortController();
  if (done === 0) controller.abort();
  const events: RunEvent[] = [];
  const report = (event: RunEvent) => {
    events.push(event);
    if (event.kind === "progress" && event.done === done) controller.abort();
  };
  const asked = { run: at("weights.safetensors"), photos: at("photos"), out: at("out"), score: 0 };
  return { events, work: predictPhotos({ ...asked, signal: controller.signal, report }) };
}

it("writes what it found until it is interrupted, and says where", async () => {
  for (const name of ["b.png", "c.png", "d.png"]) await photo(name);
  await writeFile(at("photos/a.jpg"), "no photo");
  const { events, work } = interrupted(3);
  await expect(work).rejects.toMatchObject({
    code: "interrupted",
    message: expect.stringMatching(
      /^Stopped after 2 of 4 photos\. Written: their pictures in .*out\/pictures, their \d+ objects in .*out\/detections\.json\. .* --out NAME$/,
    ),
  });
  expect(events).toContainEqual(
    expect.objectContaining({
      kind: "warning",
      message: expect.stringContaining("left out 1 file (a.jpg: "),
    }),
  );
  expect(await imagesIn(at("out/detections.json"))).toEqual(["b.png", "c.png"]);
  expect((await readdir(at("out/pictures"))).sort()).toEqual(["b.png", "c.png"]);
});

it("leaves no folder where it is interrupted before the first photo, so that the same command works again", async () => {
  await photo("a.png");
  await expect(interrupted(0).work).rejects.toMatchObject({ code: "interrupted" });
  await expect(readdir(at("out"))).rejects.toMatchObject({ code: "ENOENT" });
});
