import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";

/** What the schema refuses, as `path: message`. */
function faultsOf(settings: object): string[] {
  const parsed = configSchema.safeParse(settings);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("settings that must fit together", () => {
  it.each([
    ["as many epochs of warm-up as epochs", { train: { epochs: 5, lrWarmupEpochs: 5 } }],
    ["more epochs of warm-up than epochs", { train: { epochs: 5, lrWarmupEpochs: 6 } }],
  ])("are refused with %s", (_, settings) => {
    expect(faultsOf(settings)).toEqual(["train.lrWarmupEpochs: fewer than train.epochs, 5"]);
  });

  it("are refused where a group of the batch would hold one photo", () => {
    const withGroups = (groups: number) => ({
      method: { name: "mocov2", groups },
      train: { batchSize: 8 },
    });
    expect(faultsOf(withGroups(5))).toEqual(["method.groups: at most half of train.batchSize, 8"]);
    expect(faultsOf(withGroups(4))).toEqual([]);
  });

  it("are refused with two masks on one query", () => {
    const both = { occlusion: { name: "adios" }, mask: { fill: "mean" } };
    expect(faultsOf(both)).toEqual([
      "mask.fill: none beside occlusion.name adios, which masks the query itself",
    ]);
    expect(faultsOf({ ...both, mask: { fill: "none" } })).toEqual([]);
  });

  it.each([
    [{ odds: 2, foregroundShare: 0.5 }, "mask.odds: either mask.odds or mask.foregroundShare"],
    [{ cells: "random", negative: { what: "background" } }, "mask.negative.what: object where mask.cells"],
    [{ cells: "random", odds: 2 }, "mask.odds: none where mask.cells is random"],
    [{ cells: "random", foregroundShare: 0.3 }, "mask.foregroundShare: none where mask.cells is random"],
    [{ fill: "other-photo", branch: "both" }, "mask.branch: query where mask.fill is other-photo"],
    [{ fill: "other-photo", negative: { of: "shared" } }, "mask.negative.of: own where mask.fill"],
  ])("are refused with %j", (mask, start) => {
    expect(faultsOf({ mask })).toEqual([expect.stringMatching(new RegExp(`^${start}`))]);
  });

  it("may divide cells by any odds, and fill with another photo where the query is masked", () => {
    for (const odds of [0, 0.25, 1, 4, "infinite"]) expect(faultsOf({ mask: { odds } })).toEqual([]);
    for (const odds of [-1, "many"]) expect(faultsOf({ mask: { odds } })).toHaveLength(1);
    expect(faultsOf({ mask: { fill: "other-photo" } })).toEqual([]);
    expect(faultsOf({ mask: { fill: "other-photo", negative: { count: 0, of: "shared" } } })).toEqual([]);
  });

  it("are refused where an encoder that sees every pixel should be shown some alone", () => {
    const hidden = (arch: string) => ({ model: { arch }, mask: { fill: "hidden" } });
    expect(faultsOf(hidden("resnet18"))).toEqual([
      "mask.fill: another beside model.arch resnet18, which sees every pixel",
    ]);
    expect(faultsOf(hidden("vit_tiny"))).toEqual([]);
  });

  it("may warm up for all epochs but one", () => {
    expect(faultsOf({ train: { epochs: 5, lrWarmupEpochs: 4 } })).toEqual([]);
  });
});
