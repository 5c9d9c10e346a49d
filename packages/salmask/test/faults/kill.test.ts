import { expect, it } from "vitest";
import { countKills } from "../../../../bench/faults/kill.js";

it("ends with the same weights, bit for bit, after SIGKILLs at any moment, also while a checkpoint is written", async () => {
  const count = await countKills({ seed: 3, runs: 1, kills: 3, epochs: 8 });
  expect(count).toMatchObject({ runs: 1, kills: 3, whileSaving: 1, fallen: [] });
  expect(count.checkpoints).toBeGreaterThan(0);
});
