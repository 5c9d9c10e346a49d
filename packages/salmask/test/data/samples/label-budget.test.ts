import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/base/errors.js";
import { isLabelBudget, labelBudget } from "../../../src/data/samples/label-budget.js";

describe("labelBudget", () => {
  it.each(["", "0", "0%", "101%", "-3", "1.5", "some", "5 %%"])("refuses %j", (text) => {
    expect(() => labelBudget(text)).toThrow(UsageError);
    expect(isLabelBudget(text)).toBe(false);
    expect(() => labelBudget(text)).toThrow(/a share such as 10%.*got /);
  });

  it.each([
    ["all", { kind: "all" }],
    ["12.5%", { kind: "share", share: 0.125 }],
    ["5", { kind: "perClass", count: 5 }],
  ])("reads %j", (text, budget) => {
    expect(isLabelBudget(text)).toBe(true);
    expect(labelBudget(text)).toEqual(budget);
  });
});
