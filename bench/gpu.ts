/**
 * ResNet-50 at 224 pixels on a GPU, the full method in bfloat16, from the packed cache: images per second. Compared
 * with the same step on crops that are already on the GPU, and with PyTorch on such crops, in its fastest way and with
 * its defaults. So PyTorch never waits for a data loader.
 */
import { computeOf } from "../packages/salmask/src/compute/compute.js";
import { inTurn, sidesOf, speedRow, type Way, withSides } from "./in-turn.js";
import type { Row } from "./rows.js";
import { type Model, onPhotos } from "./training.js";

const model: Model = {
  arch: "resnet50",
  width: 64,
  stem: "imagenet",
  crop: 224,
  batch: 256,
  queue: 65536,
  photo: 256,
  photos: 2048,
  steps: 10,
};

/** `ways`: those of PyTorch that are tried. Compiling takes minutes. */
export async function run({ ways, rounds }: { ways: readonly Way[]; rounds: number }): Promise<Row[]> {
  computeOf({ device: "cuda", precision: "auto" });
  return onPhotos(model, { device: "cuda", precision: "bfloat16" }, async (task) => {
    const full = { ...task, recipe: "full" } as const;
    const resident = await sidesOf({ ...full, feed: "resident" }, ways);
    const wanted = [{ trainer: "ours" as const, task: { ...full, feed: "folder" as const } }, ...resident];
    return withSides(wanted, async (sides) => {
      const timings = await inTurn(sides, { steps: model.steps, rounds });
      const images = model.steps * model.batch;
      const best = resident[1].task.way;
      const name = "ResNet-50, 224 px, full, bfloat16, from the cache, beside";
      return [
        {
          ...speedRow(
            `${name} the same step on resident crops`,
            images,
            best,
            timings.map((t) => [t[0], t[1], t[1]]),
          ),
          won: undefined,
          plain: undefined,
          plainRatio: undefined,
        },
        speedRow(
          `${name} PyTorch on resident crops`,
          images,
          best,
          timings.map((t) => [t[0], t[2], t[3]]),
        ),
      ];
    });
  });
}
