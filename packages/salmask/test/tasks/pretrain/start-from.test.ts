import { join } from "node:path";
import { Generator, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { createBackbone } from "../../../src/models/registry.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { startFrom } from "../../../src/tasks/pretrain/start-from.js";
import { loadBackbone } from "../../../src/weights/files.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";
import { writeEncoder } from "../embed/made.js";

it("gives an encoder and its momentum copy the weights of a file, and refuses those of another network", async () => {
  const path = join(await temporaryFolder(), "encoder.safetensors");
  writeEncoder(path);
  using given = loadBackbone(path).backbone;
  const spec = { arch: "resnet18", stem: "small", width: 8 } as const;
  using backbone = createBackbone(spec, new Generator(5));
  using momentumBackbone = createBackbone(spec, new Generator(6));
  startFrom({ backbone, momentumBackbone }, path);
  scope(() => {
    for (const [name, value] of Object.entries(given.stateDict()))
      for (const network of [backbone, momentumBackbone])
        expect(network.stateDict()[name].toArray(), name).toEqual(value.toArray());
  });
  using wider = createBackbone({ ...spec, width: 16 }, new Generator(7));
  expect(() => startFrom({ backbone: wider, momentumBackbone: wider }, path)).toThrow(
    expect.objectContaining({ code: "other-network", message: expect.stringContaining("--width 8") }),
  );
});

it("starts a run from the weights in train.init", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  await writePhotos(at("photos"), 8, 16, ["a"]);
  const train = { ...smallSettings.train, epochs: 1, lr: 1e-12, init: at("encoder.safetensors") };
  const data = { ...smallSettings.data, cache: at("cache") };
  const config = configSchema.parse({ ...smallSettings, data, train });
  await pretrain({ photos: at("photos"), out: at("run"), config, resume: false });
  using before = loadBackbone(at("encoder.safetensors")).backbone;
  using after = loadBackbone(at("run/weights.safetensors")).backbone;
  scope(() => {
    const [old, trained] = [before, after].map((network) => network.stateDict()["layer4.1.conv2.weight"]);
    expect(trained.sub(old).abs().amax().item()).toBeLessThan(1e-7);
  });
});
