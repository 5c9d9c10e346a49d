import { Generator } from "@salmask/torch";
import { expect, it } from "vitest";
import { onCpu } from "../../../src/compute/compute.js";
import { noisePhotos } from "../../../src/data/store/noise-photos.js";
import { noFill } from "../../../src/masking/fills/none.js";
import { Classifier } from "../../../src/models/classifier.js";
import { createBackbone } from "../../../src/models/registry.js";
import { finetuneSettings } from "../../../src/tasks/finetune/settings.js";
import { FinetuneTask } from "../../../src/tasks/finetune/task.js";
import { train } from "../../../src/training/trainer.js";

async function weightsAfter(accumulate: number): Promise<Record<string, Float32Array>> {
  const config = finetuneSettings.schema.parse({ batchSize: 10, accumulate, epochs: 2, lrWarmupEpochs: 0 });
  const backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  const network = new Classifier(backbone, 2, new Generator(2), onCpu);
  const scene = {
    dataset: noisePhotos(20, 24, ["a", "b"]),
    known: Int32Array.from({ length: 20 }, (_, i) => i),
    crop: 16,
    fill: noFill(),
    compute: onCpu,
  };
  const task = new FinetuneTask(network, scene, config);
  network.eval();
  try {
    await train(task, { epochs: 2, logEvery: 1 });
    return Object.fromEntries(
      Object.entries(network.stateDict()).map(([name, tensor]) => [name, tensor.toFloat32Array()]),
    );
  } finally {
    task.dispose();
  }
}

it("learns from three uneven micro-batches what it learns from the large batch", async () => {
  const whole = await weightsAfter(1);
  const parts = await weightsAfter(3);
  for (const [name, values] of Object.entries(whole))
    for (const [i, value] of values.entries())
      if (!(Math.abs(value - parts[name][i]) <= 1e-6)) throw new Error(`${name}[${i}] differs`);
  expect(parts["fc.bias"].some((value) => value !== 0)).toBe(true);
});

it("refuses micro-batches of one photo", () => {
  const parsed = finetuneSettings.schema.safeParse({ batchSize: 6, accumulate: 4 });
  expect(parsed.error?.issues[0].message).toBe("at most half of batchSize, 6");
});
