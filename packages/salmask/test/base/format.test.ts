import { expect, it } from "vitest";
import { duration, fileSize, percent } from "../../src/base/format.js";

it.each([
  [0, "0s"],
  [-1, "0s"],
  [59.6, "1m00s"],
  [95, "1m35s"],
  [3599, "59m59s"],
  [4020, "1h07m"],
])("says %d seconds as %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it("formats a share as a percentage", () => {
  expect([percent(0.426), percent(0.426, 1), percent(0)]).toEqual(["43 %", "42.6 %", "0 %"]);
});

it.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1000, "1.0 kB"],
  [1_234_567, "1.2 MB"],
  [1e9, "1.0 GB"],
  [2.5e16, "25000.0 TB"],
])("says %d bytes as %s", (count, text) => {
  expect(fileSize(count)).toBe(text);
});
