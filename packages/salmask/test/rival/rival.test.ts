import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { firstOfEachClass } from "../../../../bench/rival/photos.js";
import { recipeOf } from "../../../../bench/rival/recipe.js";
import { welch } from "../../../../bench/rival/welch.js";
import { findPython } from "../../../torch/test/support/python.js";

describe("the rival in PyTorch", () => {
  it("makes torchvision's views, and normalises in groups and shuffles keys as it says", () => {
    const check = fileURLToPath(new URL("peer_check.py", import.meta.url));
    const task = JSON.stringify({ config: recipeOf({ epochs: 1, seed: 0, threads: 1 }), threads: 1 });
    const { stdout, stderr } = spawnSync(findPython(), ["-B", check, task], { encoding: "utf8" });
    expect(stderr).toBe("");
    const apart: Record<string, number> = JSON.parse(stdout);
    expect(Object.keys(apart)).toHaveLength(9);
    for (const [part, difference] of Object.entries(apart)) expect(difference, part).toBeLessThan(1e-5);
  });
});

describe("welch", () => {
  // Student's t has closed quantiles for 2 and 4 degrees of freedom.
  const [two, four] = [4.302653, 2.776445];

  it("has the degrees of freedom of both groups where their variances are equal", () => {
    const { mean, halfWidth } = welch([1, 2, 3], [11, 12, 13]);
    expect(mean).toBe(-10);
    expect(halfWidth).toBeCloseTo(four * Math.sqrt(2 / 3), 5);
  });

  it("has those of the group that varies where the other does not", () => {
    const { mean, halfWidth } = welch([5, 5, 5, 5], [1, 2, 3]);
    expect(mean).toBe(3);
    expect(halfWidth).toBeCloseTo(two * Math.sqrt(1 / 3), 5);
  });

  it("has no interval for single values", () => {
    expect(welch([1], [2])).toEqual({ mean: -1, halfWidth: null });
  });
});

it("takes the first photos of each class by name, class by class", () => {
  const names = ["train/b/1.jpg", "train/a/2.jpg", "train/a/0.jpg", "train/b/0.jpg", "train/a/1.jpg"];
  expect(firstOfEachClass(names, 3)).toEqual(["train/a/0.jpg", "train/b/0.jpg", "train/a/1.jpg"]);
});
