import { expect, it } from "vitest";
import { countFullDisks } from "../../../../bench/faults/full-disk.js";

it("stops with a clear message where the disk fills, keeps its checkpoints, and goes on when there is room", async (context) => {
  const count = await countFullDisks({ seed: 1, disks: 1, epochs: 4 });
  if (count === null) {
    console.warn("SKIPPED: a run on a disk that fills, because only root may mount a small disk");
    return context.skip();
  }
  expect(count).toEqual({ filled: 1, withCheckpoint: 1, fallen: [] });
});
