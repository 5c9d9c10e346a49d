import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { type PretrainOptions, pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { probeRun } from "../../../src/tasks/probe/probe-run.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";
import { failure } from "../../support/pretrain.js";

it("keeps the encoders of the last epochs, also over an interruption, and a probe's score is the mean over them", async () => {
  const root = await temporaryFolder();
  const [photos, cache] = [join(root, "photos"), join(root, "cache")];
  await writePhotos(photos, 24, 16, ["a", "b"]);
  const train = { ...smallSettings.train, epochs: 4, keepEncoders: 2 };
  const config = configSchema.parse({ ...smallSettings, data: { ...smallSettings.data, cache }, train });
  const abort = new AbortController();
  const whole: PretrainOptions = { photos, out: join(root, "whole"), config };
  const cut: PretrainOptions = { photos, out: join(root, "cut"), config };
  await pretrain(whole);
  const stopping: PretrainOptions = {
    ...cut,
    signal: abort.signal,
    // Four epochs of three steps: within the third one, of which an encoder stays.
    report: (event) => {
      if (event.kind === "step" && event.step === 8) abort.abort();
    },
  };
  expect(await failure(stopping)).toMatchObject({ message: expect.stringContaining("after step 8") });
  await pretrain({ ...cut, resume: true });

  const names = readdirSync(join(whole.out, "encoders")).sort();
  expect(names).toEqual(["epoch-0002.safetensors", "epoch-0003.safetensors"]);
  const bytes = names.map((name) => readFileSync(join(whole.out, "encoders", name)));
  expect(bytes[0].equals(bytes[1])).toBe(false);
  for (const [i, name] of names.entries())
    expect(readFileSync(join(cut.out, "encoders", name)).equals(bytes[i])).toBe(true);

  const asked = { photos: [photos], protocol: "fast", seed: 0, heldOut: 0.5, cache } as const;
  const mean = await probeRun({ ...asked, run: whole.out, lastEpochs: 3 });
  const folder = new RunFolder(whole.out);
  const paths = [folder.weights, folder.encoderAfter(3), folder.encoderAfter(2)];
  const each = [];
  for (const run of paths) each.push(await probeRun({ ...asked, run }));
  for (const of of ["knn", "linear"] as const)
    expect(mean[of].top1).toBeCloseTo(each.reduce((sum, one) => sum + one[of].top1, 0) / 3, 12);
  expect(folder.readProbes()).toMatchObject([{ lastEpochs: 3, knn: mean.knn }]);

  await expect(probeRun({ ...asked, run: whole.out, lastEpochs: 4 })).rejects.toMatchObject({
    code: "no-encoders",
    message: expect.stringContaining(
      "got 2 beside the last one. A run keeps them with --train.keepEncoders 3.",
    ),
  });
  await expect(probeRun({ ...asked, run: folder.weights, lastEpochs: 2 })).rejects.toMatchObject({
    code: "no-epochs",
  });
  folder.clear();
  expect(readdirSync(join(whole.out, "encoders"))).toEqual([]);
});
