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

  it("may warm up for all epochs but one", () => {
    expect(faultsOf({ train: { epochs: 5, lrWarmupEpochs: 4 } })).toEqual([]);
  });
});
