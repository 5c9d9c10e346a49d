import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { oneRank, type Ranks } from "../../src/ranks/ranks.js";
import { refuseUndivided } from "../../src/tasks/pretrain/refuse-undivided.js";
import { expectTogether, refuseUneven } from "../../src/training/share.js";

const ranks = (worldSize: number): Ranks => ({ ...oneRank, worldSize });

describe("refuseUneven", () => {
  it.each([
    [1, 7, 2],
    [3, 12, 2],
    [4, 8, 2],
    [4, 4, 1],
  ])("takes with %i ranks a batch of %i, with %i photos or more each", (worldSize, batch, least) => {
    expect(() => refuseUneven(batch, ranks(worldSize), least)).not.toThrow();
  });

  it.each([
    [3, 16, 2, "batch size of 15"],
    [4, 4, 2, "batch size of 8"],
    [2, 9, 1, "batch size of 10"],
  ])("refuses with %i ranks a batch of %i, with %i or more each", (worldSize, batch, least, offer) => {
    expect(() => refuseUneven(batch, ranks(worldSize), least)).toThrow(offer);
  });
});

describe("expectTogether", () => {
  it("refuses a rank that is about to do something else than rank 0", () => {
    const second: Ranks = { ...oneRank, rank: 1, exchange: (own) => [{ ...own, "first step": 12 }, own] };
    expect(() => expectTogether(second, { "first step": 12, steps: 30 })).not.toThrow();
    expect(() => expectTogether(second, { "first step": 0, steps: 30 })).toThrow(
      "Expected the same first step on every rank, got 12 on rank 0 and 0 on rank 1.",
    );
  });
});

describe("refuseUndivided", () => {
  const refused: readonly (readonly [string, object])[] = [
    ["batch-not-divided", { train: { batchSize: 9 } }],
    ["occlusion.name", { occlusion: { name: "adios" }, mask: { fill: "none" }, method: { name: "simclr" } }],
    ["mask.negative.of", { mask: { negative: { of: "shared" } } }],
    ["method.groups", { method: { groups: 3 } }],
  ];

  it.each(refused)("refuses what ranks cannot divide, and takes it for one: %s", (word, settings) => {
    const config = configSchema.parse({ train: { batchSize: 16 }, ...settings });
    const thrown = (worldSize: number) => {
      try {
        refuseUndivided(config, ranks(worldSize));
        return "";
      } catch (error) {
        return JSON.stringify(error) + String(error);
      }
    };
    expect(thrown(2)).toContain(word);
    expect(thrown(1)).toBe("");
  });

  it("takes groups that the ranks have among them, and any where batch norm is over all ranks", () => {
    const of = (settings: object) => () => refuseUndivided(configSchema.parse(settings), ranks(2));
    expect(of({ train: { batchSize: 16 }, method: { groups: 4 } })).not.toThrow();
    expect(of({ train: { batchSize: 16, batchNorm: "sync" }, method: { groups: 3 } })).not.toThrow();
  });
});
