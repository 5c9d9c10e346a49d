/**
 * ResNet-50 at 224 pixels on a GPU, the full method in bfloat16, from the packed cache: images a second beside the same step on
 * crops that lie on the GPU already, and beside the paper's recipe in PyTorch's float32 on such crops, where no loader can be
 * what it waits for.
 */
import { computeOf } from "../packages/salmask/src/compute/compute.js";
import type { Row } from "./rows.js";
import { inTurn, type Model, onPhotos, speedRow, withSides } from "./training.js";

const model: Model = {
  ...{ arch: "resnet50", width: 64, stem: "imagenet", crop: 224, batch: 256, queue: 65536 },
  ...{ photo: 256, photos: 2048, steps: 20 },
};
const rounds = 5;

export async function run(): Promise<Row[]> {
  computeOf({ device: "cuda", precision: "auto" });
  return onPhotos(model, { device: "cuda", precision: "bfloat16" }, (task) => {
    const full = { ...task, recipe: "full" } as const;
    const wanted = [
      { trainer: "ours", task: { ...full, feed: "folder" } },
      { trainer: "ours", task: { ...full, feed: "resident" } },
      { trainer: "peer", task: { ...full, feed: "resident", precision: "float32" } },
    ] as const;
    return withSides(wanted, async (sides) => {
      const timings = await inTurn(sides, { steps: model.steps, rounds });
      const beside = (side: number, what: string) =>
        speedRow(
          `ResNet-50, 224 px, full, bfloat16, from the cache, beside ${what}`,
          model.steps * model.batch,
          timings.map((timed) => [timed[0], timed[side]]),
        );
      return [beside(1, "the same step on resident crops"), beside(2, "PyTorch's float32 on resident crops")];
    });
  });
}
